"""Periods of an aggregation: ISO 8601 durations and the buckets they cut a time range into (GS CIM 009, 4.5.19.1)."""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from ngsi.errors import BadRequestData, TooComplexQuery, shown

_DURATION: Final = re.compile(
    r"P(?:(\d{1,9})W|(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:[.,]\d{1,6})?)S)?)?)",
    re.ASCII,
)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_DAYS: Final = datetime.max.toordinal()  # those of the calendar
_MONTH: Final = timedelta(days=28)  # the least a month takes


@dataclass(frozen=True, slots=True)
class Period:
    """A step of the calendar: `months` and `days` as the calendar counts them, `rest` exact."""

    months: int = 0
    days: int = 0
    rest: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The periods of an aggregation, numbered from 0: of one `length` from `borders[0]` on, negative numbers before it;
    or (None) from each of `borders` to the next."""

    borders: Sequence[datetime]
    length: timedelta | None = None

    def edge(self, number: int) -> datetime:
        """When period `number` begins, and the one before it ends."""
        if self.length is None:
            return self.borders[number]
        try:
            return self.borders[0] + self.length * number
        except OverflowError:
            return _LAST

    @property
    def end(self) -> datetime:
        """Nothing lies at or after it."""
        return _LAST if self.length is not None else self.borders[-1]


def parse_period(text: str, field: str = "aggrPeriodDuration") -> Period | None:
    """`text` as a Period; None for a duration of zero, which means the whole range. Raises BadRequestData."""
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT":
        raise BadRequestData(f"{field}: {shown(text)} is not an ISO 8601 duration such as PT1H, P1D or P1M (4.5.19.1)")
    weeks, years, months, days, hours, minutes, seconds = ((item or "0").replace(",", ".") for item in match.groups())
    try:
        rest = timedelta(hours=int(hours), minutes=int(minutes), microseconds=round(float(seconds) * 1_000_000))
        period = Period(12 * int(years) + int(months), 7 * int(weeks) + int(days), rest)
    except OverflowError:
        raise BadRequestData(f"{field}: {shown(text)} is longer than the calendar") from None
    return None if period == Period() else period


def boundaries(start: datetime, end: datetime, period: Period, zone: tzinfo, most: int) -> list[datetime]:
    """Bucket borders from `start` in steps of `period` until one is at or past `end`: bucket i is [b[i], b[i+1]).

    Every border is counted from `start`, so that months that end early do not shorten the ones after them.
    Raises TooComplexQuery for more than `most` buckets.
    """
    least = _MONTH * min(period.months, 120_000) + _DAY * min(period.days, 4_000_000) + period.rest
    if (end - start) / least > 1.2 * (most + 1):  # so many that they need not be counted
        raise TooComplexQuery(f"aggrPeriodDuration: the range has more than {most} periods")
    borders = [start]
    while borders[-1] < end and borders[-1] < _LAST:
        if len(borders) > most:
            raise TooComplexQuery(f"aggrPeriodDuration: the range has more than {most} periods")
        borders.append(_shifted(start, period, len(borders), zone))
    return borders


def step(period: Period, zone: tzinfo) -> timedelta | None:
    """How long every period is, when the calendar of `zone` makes none longer or shorter.

    More days than the calendar has are as good as those that it has, and the database can count those.
    """
    if period.months or (period.days and zone is not UTC):
        return None
    return _DAY * min(period.days, _DAYS) + period.rest


def aligned(start: datetime, period: Period, zone: tzinfo) -> datetime:
    """The border at or before `start` on the calendar of `zone`: first of month, midnight, Monday, full hour.

    `start` itself where that border lies outside the calendar.
    """
    try:
        return _border(start, period, zone)
    except OverflowError:
        return start


def _border(start: datetime, period: Period, zone: tzinfo) -> datetime:
    local = start.astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)
    if period.months and not period.days and not period.rest:
        place = local.year * 12 + local.month - 1
        place -= place % period.months
        year, month = divmod(max(place, 12), 12)
        return datetime(year, month + 1, 1, tzinfo=zone).astimezone(UTC)
    if not period.months and period.days and period.days % 7 == 0 and not period.rest:
        return (midnight - timedelta(days=local.weekday())).astimezone(UTC)
    if not period.months and not period.days and period.rest <= _DAY:
        begun = midnight.astimezone(UTC)
        return begun + (start - begun) // period.rest * period.rest
    return midnight.astimezone(UTC)


def _shifted(start: datetime, period: Period, count: int, zone: tzinfo) -> datetime:
    try:
        moved = start
        if period.months or period.days:
            local = start.astimezone(zone)
            day = _later(local.date(), period.months * count) + _DAY * (period.days * count)
            moved = datetime.combine(day, local.time(), zone).astimezone(UTC)
        return moved + period.rest * count
    except (OverflowError, ValueError):
        return _LAST


def _later(day: date, months: int) -> date:
    """`day` some months later, on the last of a month that is too short for it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
