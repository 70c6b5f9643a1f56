"""Tracks of vehicles that carry persons, with their ends cut out.

A trip ends with a gap in time or with standing still. What lies within `trim` metres of where it began or ended is
never released, nor what lies near the ends of the vehicle's earlier trips, and nothing before the end is known.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import cos, hypot, radians
from typing import Generic, NamedTuple, TypeVar

from models import Point

GAP = timedelta(minutes=10)
DWELL, STILL = timedelta(minutes=3), 30.0  # that long within so many metres is standing still
DEGREE = 111_195.0  # metres of a degree of latitude

T = TypeVar("T")


class Fix(NamedTuple, Generic[T]):
    """Where a vehicle was, and what else was said then."""

    at: datetime
    place: Point
    told: T


def metres(a: Point, b: Point) -> float:
    """The distance of two near points."""
    return DEGREE * hypot(
        a.latitude - b.latitude, (a.longitude - b.longitude) * cos(radians((a.latitude + b.latitude) / 2))
    )


class Tracks(Generic[T]):
    """The trips under way, by vehicle. Fixes of one vehicle come in the order of time; an older one is passed over."""

    def __init__(self, trim: float) -> None:
        self._trim = trim
        self._trips: dict[str, list[Fix[T]]] = {}
        self._ends: dict[str, list[Point]] = defaultdict(list)

    def add(self, vehicle: str, fix: Fix[T]) -> Iterator[Fix[T]]:
        """Takes a fix in; returns what may be released of the trip it ends, if it ends one."""
        trip = self._trips.get(vehicle)
        if trip is None:
            self._trips[vehicle] = [fix]
            return iter(())
        if fix.at <= trip[-1].at:
            return iter(())
        if fix.at - trip[-1].at > GAP or _stands(trip, fix):
            self._trips[vehicle] = [fix]
            return self._released(vehicle, trip)
        trip.append(fix)
        return iter(())

    def end(self) -> Iterator[Fix[T]]:
        """Ends all trips and forgets where they ended."""
        trips, self._trips = self._trips, {}
        for vehicle, trip in trips.items():
            yield from self._released(vehicle, trip)
        self._ends.clear()

    def _released(self, vehicle: str, trip: list[Fix[T]]) -> Iterator[Fix[T]]:
        ends = self._ends[vehicle]
        for place in (trip[0].place, trip[-1].place):
            if all(metres(place, known) > STILL / 2 for known in ends):
                ends.append(place)
        return iter([fix for fix in trip if all(metres(fix.place, end) > self._trim + STILL / 2 for end in ends)])


def _stands(trip: list[Fix[T]], fix: Fix[T]) -> bool:
    """Whether the vehicle has been within a few metres of this fix for as long as a stop takes."""
    for earlier in reversed(trip):
        if metres(earlier.place, fix.place) > STILL:
            return False
        if fix.at - earlier.at >= DWELL:
            return True
    return False
