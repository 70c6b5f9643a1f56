"""Numbers as sources write them, their markers for missing, and the range that is physically possible."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from adapters.contract import DecodeError

# formats document 0.3; after NFKC, so full-width forms are covered, and in lower case
_WORDS = "n/a na null × 欠測 欠 閉局 休止 休止中 停止中 点検中 保守中 調整中 障害 未測定 未測"
MISSING = frozenset(["", *_WORDS.split(" ")])
_STROKES = re.compile(r"[-*/#.…ー―—–−‐]+")
_MINUS = re.compile(r"[−‐–▲△](?=[\d.])")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
# Municipal instruments also fill with nines; elsewhere 99.9 is a value like any other.
MUNICIPAL = MISSING | {"9999", "-9999", "99.9"}
NO_NUMBER = "is no number and no known marker for a missing one"


class Range(NamedTuple):
    """The values an instrument can report; anything else is a fault, not weather."""

    low: float
    high: float


def number(field: str, text: str | None, allowed: Range, missing: frozenset[str] = MISSING) -> float | None:
    """`text` as a finite number within `allowed`, None when it marks a missing value. Raises DecodeError."""
    if text is None or (text := text.strip()) in missing:
        return None
    try:
        value = float(text)
    except ValueError:
        text = unicodedata.normalize("NFKC", text).strip()
        if text.lower() in missing or _STROKES.fullmatch(text):
            return None
        value = _float(field, text)
    else:
        if "_" in text:  # only Python reads `1_0` as ten
            raise DecodeError(field, text, NO_NUMBER)
    if missing is not MISSING and value in _fillers(missing):
        return None
    return within(field, value, allowed)


def within(field: str, value: float, allowed: Range) -> float:
    """`value` unless it is no number or outside `allowed`: then DecodeError."""
    if not math.isfinite(value) or not allowed.low <= value <= allowed.high:
        raise DecodeError(field, value, f"lies outside {allowed.low:g} to {allowed.high:g}")
    return value


@lru_cache(16)
def _fillers(missing: frozenset[str]) -> frozenset[float]:
    """The numbers among the markers, however they are written."""
    return frozenset(float(each) for each in missing if each[-1:].isdigit())


def _float(field: str, text: str) -> float:
    """With any sign for minus, and with commas at the thousands. Raises DecodeError."""
    plain = _MINUS.sub("-", text, count=1)
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        if "_" not in plain:
            return float(plain)
    except ValueError:
        pass
    raise DecodeError(field, text, NO_NUMBER)
