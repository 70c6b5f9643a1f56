"""Instants as machines write them: POSIX seconds or milliseconds, ISO 8601, and the forms of Japanese offices."""

import re
from datetime import UTC, datetime, timezone
from typing import Any

from adapters.codecs.jst import JST, local
from adapters.contract import DecodeError

# Between these, a number is milliseconds: as seconds it would lie beyond the year 5000.
_MILLISECONDS = 100_000_000_000
_DATED = frozenset("-/")  # what stands after the year of most: no need to look for seconds
# Ten digits that begin with 20 are YYYYMMDDHH: as seconds they would lie after 2033.
_POSIX = re.compile(r"(?!20)\d{10}(?:\.\d+)?|\d{13}", re.ASCII)


def moment(field: str, value: Any, zone: timezone = JST) -> datetime:
    """`value` as an aware instant; a text without a zone of its own is in `zone`. Raises DecodeError."""
    if isinstance(value, str):
        text = value.strip()
        if text[4:5] in _DATED or not _POSIX.fullmatch(text):
            return _written(field, text, zone)
        value = float(text) if "." in text else int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(field, value, "is no instant")
    try:
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        raise DecodeError(field, value, "is no POSIX time") from None


def _written(field: str, text: str, zone: timezone) -> datetime:
    if text[10:11] == "T":  # ISO 8601 in any of its lengths, nanoseconds included
        try:
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=zone)
        except ValueError:
            pass
    return local(field, text, zone)
