"""What a JSON text must not hold: U+0000, too much depth, integers that would lose digits."""

import re
from typing import Final

from ngsi.errors import BadRequestData
from ngsi.integers import check_integers

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_NEITHER_BRACKETS_NOR_QUOTES: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')


def check_text(data: bytes, deepest: int, what: str, setting: str = "") -> None:
    """Raises BadRequestData when the JSON text `data` (valid) holds what cannot be stored; `what` it is, the error
    says, and which `setting` allows how deep it nests."""
    if b"\\u0000" in data and _NUL.search(data):
        raise BadRequestData(f"{what} holds the character U+0000, which cannot be stored")
    if too_deep(data, deepest):
        raise BadRequestData(f"{what} is nested deeper than {deepest} levels{setting}")
    check_integers(data)


def too_deep(data: bytes, limit: int) -> bool:
    """Whether the JSON text `data` (valid) nests arrays and objects deeper than `limit`.

    Told from the brackets alone, level by level from the innermost, without a walk in Python.
    """
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = data.translate(None, _NEITHER_BRACKETS_NOR_QUOTES).replace(b'""', b"")
    if b'"' in brackets:  # only a bracket within a string keeps two quotes apart
        brackets = b"".join(data.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = _without_innermost(brackets)
    return bool(brackets)


def _without_innermost(brackets: bytes) -> bytes:
    # both kinds in one pass: what stands side by side after it was on one level before it
    return brackets.replace(b"{}", b"  ").replace(b"[]", b"  ").replace(b" ", b"")
