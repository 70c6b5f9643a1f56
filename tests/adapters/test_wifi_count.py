"""Counting: distinct devices per bin, residents left out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.wifi.count import Presence, counts

START = datetime(2026, 6, 19, 0, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)


def heard(device: str, *minutes: int, spot: str = "26") -> list[Presence]:
    return [Presence(spot, device, at, at) for at in (START + timedelta(minutes=minute) for minute in minutes)]


def numbers(presences: list[Presence], share: float = 0.8, hours: int = 4) -> list[int]:
    return [count.devices for count in counts(presences, HALF, share, hours)]


def test_a_device_counts_once_per_bin() -> None:
    assert numbers(heard("a", 1, 2, 29) + heard("b", 3) + heard("a", 31)) == [2, 1]


def test_a_session_counts_in_every_bin_it_touches() -> None:
    session = Presence("26", "a", START + timedelta(minutes=20), START + timedelta(minutes=70))
    assert numbers([session]) == [1, 1, 1]


def test_a_session_nobody_closed_ends_after_a_day() -> None:
    assert len(numbers([Presence("26", "a", START, START + timedelta(days=30))], share=1.0, hours=1000)) == 49


def test_what_is_always_there_is_no_visitor() -> None:
    log = heard("printer", *range(0, 360, 30)) + heard("a", 5, 65) + heard("b", 5)
    assert numbers(log) == [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_short_log_proves_no_resident() -> None:
    assert numbers(heard("a", 0, 30, 60, 90)) == [1, 1, 1, 1]


def test_a_resident_of_one_spot_is_a_visitor_of_another() -> None:
    log = heard("a", *range(0, 360, 60)) + heard("a", 10, spot="33") + heard("b", 10, spot="33")
    assert [count.devices for count in counts(log, HALF, 0.8, 4) if count.spot == "33"] == [2]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400))))
def test_no_bin_counts_more_devices_than_it_heard(log: list[tuple[str, int]]) -> None:
    presences = [each for device, minute in log for each in heard(device, minute)]
    for count in counts(presences, HALF, 0.8, 4):
        assert 0 <= count.devices <= len({p.pseudonym for p in presences if count.start <= p.start < count.end})
