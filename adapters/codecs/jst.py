"""Japanese time as sources write it (formats document 0.1). Japan is UTC+9 all year.

Hours that label their end run to 24: `24:00` is 0:00 of the next day. Digits may be full-width.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone

from adapters.contract import DecodeError

JST = timezone(timedelta(hours=9), "JST")
AHEAD = timedelta(minutes=10)  # a clock may be this fast
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_TIME = r"(\d{1,2})(?::(\d{2})|時(?:(\d{1,2})分)?)(?::(\d{2}))?"
_LOCAL = re.compile(rf"{_DATE}(?:[ T]+{_TIME})?", re.ASCII)


def local(field: str, text: str, zone: timezone = JST) -> datetime:
    """`2026/06/19 24:00`, `2026-06-19 12:50:38`, `2026年6月19日 12時50分`: a local time in `zone`, as an aware instant.

    Raises DecodeError naming `field`.
    """
    # The frequent form, without the detour through patterns.
    if len(text) == 19 and text[4] == "-" and text[11:13] != "24":
        try:
            return datetime.fromisoformat(text).replace(tzinfo=zone)
        except ValueError:
            pass
    match = _LOCAL.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        raise DecodeError(field, text, "is no date and time such as 2026/06/19 12:50")
    year, month, day, hour, minute, minute_ja, second = (int(part or 0) for part in match.groups())
    return instant(field, (year, month, day), hour, minute or minute_ja, second, zone)


def instant(
    field: str, day: tuple[int, int, int], hour: int = 0, minute: int = 0, second: int = 0, zone: timezone = JST
) -> datetime:
    """An instant from its parts; hour 24 with nothing after it is the next day's midnight. Raises DecodeError."""
    next_day = (hour, minute, second) == (24, 0, 0)
    try:
        start = datetime.combine(date(*day), time(0 if next_day else hour, minute, second), tzinfo=zone)
    except ValueError as error:
        raise DecodeError(field, f"{day} {hour}:{minute:02}:{second:02}", f"is no time: {error}") from None
    return start + timedelta(days=1) if next_day else start


def plausible(field: str, at: datetime, received_at: datetime) -> datetime:
    """`at`, unless it lies before 2000 or more than ten minutes after its receipt: then DecodeError."""
    if not EARLIEST <= at <= received_at + AHEAD:
        raise DecodeError(field, at.isoformat(), "lies before 2000 or more than 10 minutes in the future")
    return at
