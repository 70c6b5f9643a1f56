"""Instants as texts (GS CIM 009, 4.6.3)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ngsi import times

JAPAN = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 6, 19, 3, 50, tzinfo=UTC), "2026-06-19T03:50:00Z"),
        (datetime(2026, 6, 19, 12, 50, tzinfo=JAPAN), "2026-06-19T03:50:00Z"),
        (datetime(2026, 6, 19, 3, 50, 7, 500_000, UTC), "2026-06-19T03:50:07.5Z"),
        (datetime(2026, 6, 19, 3, 50, 7, 10, UTC), "2026-06-19T03:50:07.00001Z"),
        (datetime.min.replace(tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_written_in_utc_without_needless_digits(instant: datetime, text: str) -> None:
    assert times.text(instant) == text
    assert times.parse(text) == instant
    assert times.texts([instant.astimezone(UTC), instant.astimezone(UTC)]) == [text, text]
