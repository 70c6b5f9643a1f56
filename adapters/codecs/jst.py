"""Japanese time as sources write it (formats document 0.1). Japan is UTC+9 all year.

Years may be those of an era. Hours that label their end run to 24: `24:00` is 0:00 of the next day. Digits may be
full-width.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

from adapters.contract import DecodeError

JST = timezone(timedelta(hours=9), "JST")
AHEAD = timedelta(minutes=10)  # a clock may be this fast
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

# Year 1 of each era, less one
_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_DATE = rf"(?:({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)|(\d{{4}}))[-/.年]\s?(\d{{1,2}})[-/.月]\s?(\d{{1,2}})日?"
_HALF = r"(?:(午前|午後|AM|PM)\s?)?"
_TIME = rf"{_HALF}(\d{{1,2}})(?::(\d{{1,2}})|時(?:\s?(\d{{1,2}})分)?)(?:(?::(\d{{2}})|(\d{{1,2}})秒)(?:\.\d+)?)?"
_LOCAL = re.compile(rf"{_DATE}(?:\s?\([月火水木金土日]\))?(?:(?:[ T]+|(?<=[日)])){_TIME})?(?: ?JST)?", re.ASCII)
_MONTH_AND_DAY = re.compile(r"(\d{1,2})[-/.月](\d{1,2})日?(?!\d|[-/.]\d)", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[ T]?(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?", re.ASCII)


def local(field: str, text: str, zone: timezone = JST) -> datetime:
    """`2026/06/19 24:00`, `令和8年6月19日 12時50分`, `202606191250`: a local time in `zone`, as an aware instant.

    ISO 8601 with an offset of its own keeps it. Raises DecodeError naming `field`.
    """
    # The frequent forms, without the detour through patterns.
    if len(text) >= 16 and text[4] in "-/" and text[11:13] != "24":
        try:
            return _plain(text, zone)
        except ValueError:
            pass
    try:
        return _written(text, zone)
    except ValueError as error:
        raise DecodeError(field, text, str(error)) from None


@lru_cache(4096)
def _plain(text: str, zone: timezone) -> datetime:
    """ISO 8601, with strokes or slashes. Raises ValueError."""
    at = datetime.fromisoformat(text.replace("/", "-"))
    return at if at.tzinfo else at.replace(tzinfo=zone)


@lru_cache(4096)
def _written(text: str, zone: timezone) -> datetime:
    """A time as written; the rows of one table repeat theirs, so it is read once. Raises ValueError."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if match := _COMPACT.fullmatch(plain):
        return _compact([int(part or 0) for part in match.groups()], zone)
    match = _LOCAL.fullmatch(plain)
    if match is None:
        raise ValueError("is no date and time such as 2026/06/19 12:50")
    era, of_era, western, month, day, half, hour, minute, minute_ja, second, second_ja = match.groups()
    calendar = _ERAS[era] + (1 if of_era == "元" else int(of_era)) if era else int(western)
    hours = int(hour or 0)
    if half in ("午後", "PM") and hours < 12:
        hours += 12
    elif half == "AM" and hours == 12:
        hours = 0
    clock = hours, int(minute or minute_ja or 0), int(second or second_ja or 0)
    return _instant((calendar, int(month), int(day)), *clock, zone)


def _compact(parts: list[int], zone: timezone) -> datetime:
    year, month, day, hour, minute, second = parts
    return _instant((year, month, day), hour, minute, second, zone)


def with_year(text: str, latest: datetime, zone: timezone = JST) -> str:
    """`6月19日 12:50` with the year in which it was last before `latest`; a text that names its year as it is."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if (match := _MONTH_AND_DAY.match(plain)) is None:
        return text
    now = (latest + AHEAD).astimezone(zone)
    day = int(match[1]), int(match[2])
    return f"{now.year - (day > (now.month, now.day))}/{day[0]}/{day[1]}{plain[match.end() :]}"


def instant(
    field: str, day: tuple[int, int, int], hour: int = 0, minute: int = 0, second: int = 0, zone: timezone = JST
) -> datetime:
    """An instant from its parts; hour 24 with nothing after it is the next day's midnight. Raises DecodeError."""
    try:
        return _instant(day, hour, minute, second, zone)
    except ValueError as error:
        raise DecodeError(field, f"{day} {hour}:{minute:02}:{second:02}", str(error)) from None


def _instant(day: tuple[int, int, int], hour: int, minute: int, second: int, zone: timezone) -> datetime:
    next_day = (hour, minute, second) == (24, 0, 0)
    try:
        start = datetime.combine(date(*day), time(0 if next_day else hour, minute, second), tzinfo=zone)
        return start + timedelta(days=1) if next_day else start
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no time: {error}") from None


def plausible(field: str, at: datetime, received_at: datetime) -> datetime:
    """`at`, unless it lies before 2000 or more than ten minutes after its receipt: then DecodeError."""
    if not EARLIEST <= at <= received_at + AHEAD:
        raise DecodeError(field, at.isoformat(), "lies before 2000 or more than 10 minutes in the future")
    return at
