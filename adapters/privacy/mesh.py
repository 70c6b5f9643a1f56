"""The grid square codes of JIS X 0410 (地域メッシュコード), from a third of a degree down to about 125 m."""

from models import Point

# side in metres (about) -> digits of the code
DIGITS = {80_000: 4, 10_000: 6, 1_000: 8, 500: 9, 250: 10, 125: 11}


def mesh_code(point: Point, side: int) -> str:
    """The code of the square of `side` metres that holds the point. Raises KeyError for a side that is none."""
    digits = DIGITS[side]
    # In units of the smallest square: 1/1.5 degree of latitude and 1 degree of longitude are 8 * 10 * 8 of them.
    south, west = int(point.latitude * 1.5 * 640), int((point.longitude - 100) * 640)
    rows, columns = divmod(south, 640), divmod(west, 640)
    code = f"{rows[0]:02}{columns[0]:02}"
    r, c = divmod(rows[1], 80), divmod(columns[1], 80)
    code += f"{r[0]}{c[0]}"
    r, c = divmod(r[1], 8), divmod(c[1], 8)
    code += f"{r[0]}{c[0]}"
    for half in (4, 2, 1):  # 1 south-west, 2 south-east, 3 north-west, 4 north-east
        code += str(1 + 2 * (r[1] // half % 2) + c[1] // half % 2)
    return code[:digits]


def centre(code: str) -> Point:
    """The middle of the square. Raises ValueError for what is no code of JIS X 0410."""
    if not code.isdecimal() or len(code) not in DIGITS.values():
        raise ValueError(f"{code!r} is no grid square code of JIS X 0410")
    row, column, size = int(code[:2]) * 640, int(code[2:4]) * 640, 640
    for at, parts in ((4, 8), (6, 10)):
        if len(code) > at:
            size //= parts
            row, column = row + int(code[at]) * size, column + int(code[at + 1]) * size
    for digit in code[8:]:
        size //= 2
        row, column = row + (int(digit) - 1) // 2 * size, column + (int(digit) - 1) % 2 * size
    return Point(100 + (column + size / 2) / 640, (row + size / 2) / 960)
