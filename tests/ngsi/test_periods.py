"""Periods as the calendar has them (GS CIM 009, 4.5.19.1)."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsi.errors import BadRequestData, TooComplexQuery
from ngsi.periods import Period, aligned, boundaries, parse_period, step

JAPAN = ZoneInfo("Asia/Tokyo")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("PT0S", None),
        ("P0D", None),
        ("PT10M", Period(rest=timedelta(minutes=10))),
        ("PT1H30M", Period(rest=timedelta(minutes=90))),
        ("PT0.5S", Period(rest=timedelta(milliseconds=500))),
        ("PT0,5S", Period(rest=timedelta(milliseconds=500))),
        ("P1D", Period(days=1)),
        ("P2W", Period(days=14)),
        ("P1M", Period(months=1)),
        ("P1Y", Period(months=12)),
        ("P3Y6M4DT12H30M5S", Period(42, 4, timedelta(hours=12, minutes=30, seconds=5))),
    ],
)
def test_durations(text: str, period: Period | None) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1", "1D", "P-1D", "PT1D", "P1H", "P1DT", "P0001-01-01", "p1d", "PT1.5H"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadRequestData, match="aggrPeriodDuration"):
        parse_period(text)


@pytest.mark.parametrize(
    ("start", "end", "text", "borders"),
    [
        ("2024-01-31", "2024-04-30", "P1M", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2023-02-28", "2025-01-01", "P1Y", ["2023-02-28", "2024-02-28", "2025-02-28"]),
        ("2024-02-29", "2025-02-28", "P1Y", ["2024-02-29", "2025-02-28"]),
        ("2024-02-27", "2024-03-01", "P1D", ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2024-12-30", "2025-01-10", "P1W", ["2024-12-30", "2025-01-06", "2025-01-13"]),
    ],
)
def test_borders_follow_the_calendar(start: str, end: str, text: str, borders: list[str]) -> None:
    period = parse_period(text)
    assert period is not None
    assert boundaries(utc(start), utc(end), period, UTC, 100) == [utc(item) for item in borders]


@pytest.mark.parametrize(
    ("instant", "text", "border"),
    [
        ("2026-06-19T14:59:59", "P1D", "2026-06-18T15:00:00"),
        ("2026-06-19T15:00:00", "P1D", "2026-06-19T15:00:00"),
        ("2026-06-30T15:00:00", "P1M", "2026-06-30T15:00:00"),
        ("2026-06-30T14:59:59", "P1M", "2026-05-31T15:00:00"),
        ("2025-12-31T16:00:00", "P1Y", "2025-12-31T15:00:00"),
        ("2026-06-19T14:59:59", "PT1H", "2026-06-19T14:00:00"),
        ("2026-06-21T15:00:00", "P1W", "2026-06-21T15:00:00"),
        ("2026-06-21T14:00:00", "P1W", "2026-06-14T15:00:00"),
        ("0001-01-01T00:00:00", "P1Y", "0001-01-01T00:00:00"),
        ("9999-12-31T15:00:00", "P1D", "9999-12-31T15:00:00"),
    ],
)
def test_alignment_to_japan(instant: str, text: str, border: str) -> None:
    period = parse_period(text)
    assert period is not None
    assert aligned(utc(instant), period, JAPAN) == utc(border)


def test_too_many_periods_are_refused_at_once() -> None:
    for text in ("PT0.000001S", "PT1S", "P1D"):
        period = parse_period(text)
        assert period is not None
        with pytest.raises(TooComplexQuery, match="100"):
            boundaries(utc("1970-01-01"), utc("2026-01-01"), period, UTC, 100)


def test_as_many_periods_as_are_allowed_are_told() -> None:
    period = Period(days=1)
    assert len(boundaries(utc("2026-06-01"), utc("2026-06-11"), period, UTC, 10)) == 11
    with pytest.raises(TooComplexQuery, match="9"):
        boundaries(utc("2026-06-01"), utc("2026-06-11"), period, UTC, 9)


def test_the_end_of_the_calendar_is_an_end() -> None:
    period = parse_period("P999999999Y")
    assert period is not None
    borders = boundaries(utc("2026-01-01"), utc("2026-02-01"), period, UTC, 10)
    assert len(borders) == 2


@pytest.mark.parametrize(
    ("text", "days"),
    [("P1D", 1), ("P2W", 14), ("P3652059D", 3652059), ("P999999999D", 3652059), ("P999999999W", 3652059)],
)
def test_a_step_is_no_longer_than_the_calendar(text: str, days: int) -> None:
    period = parse_period(text)
    assert period is not None
    assert step(period, UTC) == timedelta(days=days)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.sampled_from(["PT6H", "P1D", "P1W", "P1M", "P1Y", "P1M1D"]),
    st.sampled_from([UTC, JAPAN]),
)
def test_periods_cover_the_range_without_gap(start: datetime, length: timedelta, text: str, zone: ZoneInfo) -> None:
    period = parse_period(text)
    assert period is not None
    begin, end = start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + length
    borders = boundaries(begin, end, period, zone, 10_000)
    assert borders[0] == begin
    assert borders[-1] >= end
    assert all(one < other for one, other in itertools.pairwise(borders))
    assert len(borders) < 2 or borders[-2] < end
    assert aligned(begin, period, zone) <= begin
