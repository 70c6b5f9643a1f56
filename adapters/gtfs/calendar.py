"""Doubts about a calendar: what is well formed and still can hardly be meant. Reported, never repaired."""

from collections.abc import Iterator

from adapters.codecs.gtfs import table
from adapters.codecs.table import Row
from adapters.contract import DecodeError

WEEKDAYS, WEEKEND = ("monday", "tuesday", "wednesday", "thursday", "friday"), ("saturday", "sunday")


def doubts(calendar: bytes, dates: bytes) -> Iterator[DecodeError]:
    """A weekday service that runs at the weekend, and weekday services in a feed that knows no holiday."""
    services = [row for row in table("calendar", calendar) if isinstance(row, Row)]
    for row in services:
        runs = [day for day in WEEKEND if row.cells.get(day, "").strip() == "1"]
        if "平日" in row.cells["service_id"] and runs:
            rule = f"is called a weekday service and runs on {' and '.join(runs)} too"
            yield DecodeError("calendar.txt service_id", row.cells["service_id"], rule, row.raw)
    part = [row.cells["service_id"] for row in services if _part_of_the_week(row)]
    if part and not any(isinstance(row, Row) for row in (table("calendar_dates", dates) if dates else ())):
        rule = "run on some days of the week, but calendar_dates.txt is empty: no holiday is known"
        yield DecodeError("calendar.txt service_id", ", ".join(part), rule, calendar)


def _part_of_the_week(row: Row) -> bool:
    days = [row.cells.get(day, "").strip() for day in (*WEEKDAYS, *WEEKEND)]
    return "1" in days and "0" in days
