"""What a realtime feed leaves to the static one: head signs, stops by their number in the trip, times by the clock."""

from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple

from adapters.codecs.gtfs import files_of, table
from adapters.codecs.jst import JST
from adapters.codecs.table import Row


class Call(NamedTuple):
    """A trip's stop, and when it is due there, counted from noon less twelve hours of the day of service."""

    stop: str
    due: timedelta | None
    head_sign: str
    sequence: int


class Timetable:
    """The trips of a static feed; an empty one knows none."""

    def __init__(self, feed: bytes = b"", zone: timezone = JST) -> None:
        """Raises DecodeError when `feed` is no GTFS."""
        self._zone = zone
        self._head_signs: dict[str, str] = {}
        self._calls: dict[str, list[Call]] = {}
        files = files_of(feed) if feed else {}
        for row in table("trips", files["trips"]) if "trips" in files else ():
            if isinstance(row, Row):
                self._head_signs[row.cells["trip_id"].strip()] = row.cells.get("trip_headsign", "").strip()
        for row in table("stop_times", files["stop_times"]) if "stop_times" in files else ():
            if isinstance(row, Row):
                self._add({name: cell.strip() for name, cell in row.cells.items()})
        for calls in self._calls.values():
            calls.sort(key=lambda call: call.sequence)

    def _add(self, cells: dict[str, str]) -> None:
        if not cells["stop_sequence"].isdecimal():
            return
        due = _since_midnight(cells.get("arrival_time", "") or cells.get("departure_time", ""))
        call = Call(cells["stop_id"], due, cells.get("stop_headsign", ""), int(cells["stop_sequence"]))
        self._calls.setdefault(cells["trip_id"], []).append(call)

    def knows(self, trip: str) -> bool:
        return trip in self._head_signs

    def head_sign(self, trip: str) -> str:
        return self._head_signs.get(trip, "")

    def calls(self, trip: str) -> list[Call]:
        """The stops of a trip in their order."""
        return self._calls.get(trip, [])

    def due(self, call: Call, day: date) -> datetime | None:
        """When the call is due on a day of service; its clock runs past 24:00."""
        return None if call.due is None else datetime.combine(day, time(), self._zone) + call.due

    def day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


def _since_midnight(text: str) -> timedelta | None:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
