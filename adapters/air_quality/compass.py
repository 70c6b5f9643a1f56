"""Wind direction from one of sixteen points: letters, kanji, or a number from 1 (NNE) to 16 (N)."""

import unicodedata

from adapters.contract import DecodeError

# clockwise from north
POINTS = {
    name: index
    for index, names in enumerate(
        (
            ("N", "北", "16"),
            ("NNE", "北北東", "1"),
            ("NE", "北東", "2"),
            ("ENE", "東北東", "3"),
            ("E", "東", "4"),
            ("ESE", "東南東", "5"),
            ("SE", "南東", "6"),
            ("SSE", "南南東", "7"),
            ("S", "南", "8"),
            ("SSW", "南南西", "9"),
            ("SW", "南西", "10"),
            ("WSW", "西南西", "11"),
            ("W", "西", "12"),
            ("WNW", "西北西", "13"),
            ("NW", "北西", "14"),
            ("NNW", "北北西", "15"),
        )
    )
    for name in names
}
CALM = frozenset({"", "-", "0", "17", "C", "CALM", "静穏", "9999"})


def signed_direction(field: str, text: str) -> float | None:
    """Degrees from -180 (excluded) to 180, as AirQualityObserved has them; None when calm or missing."""
    point = unicodedata.normalize("NFKC", text).strip().upper()
    if point in CALM:
        return None
    if point not in POINTS:
        raise DecodeError(field, text, "is none of the sixteen points")
    degrees = POINTS[point] * 22.5
    return degrees if degrees <= 180 else degrees - 360
