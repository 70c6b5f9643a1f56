"""Numbers as sources write them, their markers for missing, and the range that is physically possible."""

import math
import unicodedata
from typing import NamedTuple

from adapters.contract import DecodeError

# formats document 0.3; after NFKC, so full-width forms are covered
MISSING = frozenset({"", "-", "***", "欠測", "閉局", "×", "///", "N/A", "ー", "―"})
# Municipal instruments also fill with nines; elsewhere 99.9 is a value like any other.
MUNICIPAL = MISSING | {"9999", "-9999", "99.9"}


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
        if text in missing:
            return None
        value = _float(field, text)
    return within(field, value, allowed)


def within(field: str, value: float, allowed: Range) -> float:
    """`value` unless it is no number or outside `allowed`: then DecodeError."""
    if not math.isfinite(value) or not allowed.low <= value <= allowed.high:
        raise DecodeError(field, value, f"lies outside {allowed.low:g} to {allowed.high:g}")
    return value


def _float(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DecodeError(field, text, "is no number and no known marker for a missing one") from None
