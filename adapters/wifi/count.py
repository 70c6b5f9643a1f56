"""Counting devices per spot and time bin, without residents."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

LONGEST = timedelta(days=1)  # a session that lasts longer was never closed


class Presence(NamedTuple):
    """A pseudonym seen at a spot from `start` to `end` (the same instant when it was only heard once)."""

    spot: str
    pseudonym: str
    start: datetime
    end: datetime


class Count(NamedTuple):
    """How many devices a spot saw from `start` to `end`."""

    spot: str
    start: datetime
    end: datetime
    devices: int


def counts(presences: Iterable[Presence], width: timedelta, resident_share: float, resident_hours: int) -> list[Count]:
    """One count per spot and bin in which the spot saw anything, residents included: then it may be 0.

    Bins are aligned to the epoch in UTC, which for widths that divide an hour are the clock's.
    """
    known = list(presences)
    residents = _residents(known, resident_share, resident_hours)
    bins: dict[tuple[str, datetime], set[str]] = defaultdict(set)
    for each in known:
        for start in _bins(each, width):
            devices = bins[each.spot, start]
            if (each.spot, each.pseudonym) not in residents:
                devices.add(each.pseudonym)
    return [Count(spot, start, start + width, len(devices)) for (spot, start), devices in sorted(bins.items())]


def _residents(presences: Iterable[Presence], share: float, least: int) -> set[tuple[str, str]]:
    """(spot, pseudonym) of what is there nearly always: printers, tills, the sensor's neighbour.

    In the real sample one such device makes 45 % of the rows. A log of fewer than `least` hours proves nothing.
    """
    hour = timedelta(hours=1)
    hours: dict[str, set[datetime]] = defaultdict(set)
    seen: dict[tuple[str, str], set[datetime]] = defaultdict(set)
    for each in presences:
        for start in _bins(each, hour):
            hours[each.spot].add(start)
            seen[each.spot, each.pseudonym].add(start)
    return {
        (spot, pseudonym)
        for (spot, pseudonym), present in seen.items()
        if len(hours[spot]) >= least and len(present) >= share * len(hours[spot])
    }


def _bins(presence: Presence, width: timedelta) -> Iterator[datetime]:
    start = _floor(presence.start, width)
    end = min(presence.end, presence.start + LONGEST)
    while start <= end:
        yield start
        start += width


def _floor(at: datetime, width: timedelta) -> datetime:
    seconds = width.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)
