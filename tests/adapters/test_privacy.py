"""Attempts to learn of fewer than k persons from what is published: subtraction, repetition, overlap, old salts."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Message, Restricted
from adapters.privacy.crowd import Crowd, Presence, Residents
from adapters.privacy.guard import Privacy
from adapters.privacy.mesh import DIGITS, centre, mesh_code
from adapters.privacy.profile import Profile
from adapters.privacy.store import PrivacyStore, Publication
from adapters.privacy.suppress import published_counts, published_flows
from adapters.privacy.tracks import GAP, Fix, Tracks, metres
from adapters.pseudonym import DayKey
from adapters.registry import load
from models import Point
from tests.adapters.cases import HOUSE, RECEIVED_AT

START = datetime(2026, 6, 19, 0, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
LATER = START + timedelta(days=3)
K = 5


def profile(**changes: object) -> Profile:
    return Profile.model_validate({"legal_basis": "test", "profile": "aggregate", "k": K} | changes)


def crowd(store: PrivacyStore | None = None, width: timedelta = HALF, k: int = K, flows: bool = True) -> Crowd:
    guard = Privacy(str, "test", profile(k=k, flows=flows), store or PrivacyStore())
    return Crowd(guard, width, Residents(0.8, 4))


def heard(device: str, *minutes: int, cell: str = "A") -> list[Presence]:
    return [Presence(cell, device, at, at) for at in (START + timedelta(minutes=minute) for minute in minutes)]


def people(count: int, *minutes: int, cell: str = "A", name: str = "p") -> list[Presence]:
    return [each for number in range(count) for each in heard(f"{name}{number}", *minutes, cell=cell)]


def counts(told: list[Publication], cell: str = "A") -> list[int | None]:
    return [each.value for each in told if each.cell == cell and not each.destination]


def flows(told: list[Publication]) -> dict[tuple[str, str], int | None]:
    return {(each.cell, each.destination): each.value for each in told if each.destination}


# counting


def test_a_device_counts_once_per_bin() -> None:
    assert counts(crowd().tell(people(6, 1, 2, 29), LATER)) == [6]


def test_a_session_counts_in_every_bin_it_touches() -> None:
    sessions = [Presence("A", f"d{i}", START + timedelta(minutes=20), START + timedelta(minutes=70)) for i in range(7)]
    assert counts(crowd().tell(sessions, LATER)) == [7, 7, 7]


def test_a_session_nobody_closed_ends_after_a_day() -> None:
    forever = [Presence("A", "d", START, START + timedelta(days=30))]
    told = Crowd(Privacy(str, "t", profile()), HALF, None).tell(forever, START + timedelta(days=40))
    assert len(told) == 49


def test_what_is_always_there_is_no_visitor() -> None:
    log = heard("printer", *range(0, 360, 30)) + people(5, 5, 65)
    assert counts(crowd().tell(log, LATER))[:3] == [5, None, 5]


def test_a_short_log_proves_no_resident() -> None:
    assert counts(crowd().tell(people(6, 0, 30, 60, 90), LATER)) == [6, 6, 6, 6]


def test_small_counts_and_none_at_all_look_the_same() -> None:
    quiet = crowd().tell(people(6, 1) + people(0, 40) + people(6, 70), LATER)
    busier = crowd().tell(people(6, 1) + people(K - 1, 40, name="q") + people(6, 70), LATER)
    assert counts(quiet) == [6, 6]  # a bin in which nobody was heard at all is not told of
    assert counts(busier) == [6, None, 6]
    other = people(9, 40, cell="B")
    assert counts(crowd().tell(people(6, 1) + people(6, 70) + other, LATER)) == [6, None, 6]
    assert counts(crowd().tell(people(6, 1) + people(6, 70) + people(K - 1, 40, name="q") + other, LATER)) == [
        6,
        None,
        6,
    ]


def test_a_bin_is_told_when_it_has_been_over_for_a_while() -> None:
    running = crowd()
    assert running.tell(people(6, 1), START + timedelta(minutes=35)) == []
    assert counts(running.tell([], START + timedelta(minutes=41))) == [6]
    assert running.tell([], START + timedelta(minutes=50)) == []  # and only once


# differencing over time


def test_a_bin_is_never_told_in_two_versions() -> None:
    store = PrivacyStore()
    first = crowd(store).tell(people(7, 1), LATER)
    again = crowd(store).tell(people(7, 1) + heard("late", 2), LATER)
    assert counts(first) == counts(again) == [7]


@given(st.randoms(use_true_random=False), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_whatever_the_order_and_the_repeats_each_cell_has_one_value(chance: random.Random, size: int) -> None:
    store, running = PrivacyStore(), None
    seen: dict[tuple[str, str, int], set[int | None]] = {}
    now = START
    for _ in range(12):
        if running is None or chance.random() < 0.3:  # a restart
            running = crowd(store)
        now += timedelta(minutes=chance.randrange(40))
        batch = []
        for _ in range(size):
            at = now - timedelta(minutes=chance.randrange(90))
            batch.append(Presence(chance.choice("ABC"), f"d{chance.randrange(15)}", at, at))
        for each in running.tell(batch + batch, now):
            seen.setdefault((each.cell, each.destination, each.start), set()).add(each.value)
            assert each.value is None or each.value >= K
    assert all(len(values) == 1 for values in seen.values())


def test_bins_of_another_width_are_not_told_beside_the_first() -> None:
    store = PrivacyStore()
    crowd(store).tell(people(7, 1), LATER)
    longer = crowd(store, timedelta(minutes=60)).tell(people(7, 1) + heard("late", 31), LATER)
    assert [each.finish - each.start for each in longer] == [1800]  # only what was told before


def test_what_a_crash_may_have_swallowed_is_told_again_in_the_same_words(tmp_path: Path) -> None:
    now = START + timedelta(minutes=45)
    first = crowd(PrivacyStore(tmp_path / "privacy.db")).tell(people(7, 1), now)
    again = crowd(PrivacyStore(tmp_path / "privacy.db")).tell([], datetime.now(UTC))
    assert set(again) == set(first)
    assert (tmp_path / "privacy.db").stat().st_mode & 0o777 == 0o600


def test_presences_are_destroyed_a_day_after_their_bin(tmp_path: Path) -> None:
    store = PrivacyStore(tmp_path / "privacy.db")
    running = crowd(store)
    running.tell(people(7, 1, name="zz-visitor"), START + timedelta(hours=1))
    assert store.stays("test")
    running.tell([], START + timedelta(hours=26))
    assert store.stays("test") == []
    store.close()
    assert b"zz-visitor" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


# subtraction


def test_a_flow_is_withheld_when_it_tells_of_the_few_who_did_something_else() -> None:
    assert published_flows({"A": 12}, {"B": 40}, {("A", "B"): 11}, 10) == {}  # the twelfth did not go to B
    assert published_flows({"A": 30}, {"B": 40}, {("A", "B"): 11}, 10) == {("A", "B"): 11}
    assert published_flows({"A": 11}, {"B": 40}, {("A", "B"): 11}, 10) == {}  # all of A went to B


worlds = st.dictionaries(
    st.tuples(st.sampled_from("ABCD"), st.sampled_from("ABCD")).filter(lambda pair: pair[0] != pair[1]),
    st.integers(0, 30),
)
slacks = st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 25))


def _sums(flows: dict[tuple[str, str], int], slack: dict[str, int], end: int) -> dict[str, int]:
    """What is counted in each cell: the flows of it, and those who came from or went nowhere."""
    return {
        cell: slack.get(cell, 0) + sum(flow for pair, flow in flows.items() if pair[end] == cell) for cell in "ABCD"
    }


@given(worlds, slacks, slacks, st.integers(0, K - 1))
@settings(max_examples=300, deadline=None)
def test_every_small_number_explains_what_is_published(
    flows: dict[tuple[str, str], int], out: dict[str, int], into: dict[str, int], other: int
) -> None:
    """For each withheld flow and each number below k there is a world with that flow and the same publication.

    The world may differ in nothing that is published, and the rule applied to it must publish the same: so not even
    who knows the rule can tell the numbers apart.
    """
    left, reached = _sums(flows, out, 0), _sums(flows, into, 1)
    shown_left, shown_reached = published_counts(left, K), published_counts(reached, K)
    told_left = {cell: count for cell, count in shown_left.items() if count is not None}
    told_reached = {cell: count for cell, count in shown_reached.items() if count is not None}
    shown = published_flows(told_left, told_reached, flows, K)
    for pair in [(a, b) for a in told_left for b in told_reached if a != b and (a, b) not in shown]:
        world = dict(shown) | {pair: other}
        for end, totals in ((0, told_left), (1, told_reached)):
            for cell, total in totals.items():
                assert sum(flow for each, flow in world.items() if each[end] == cell) <= total
        assert published_flows(told_left, told_reached, world, K) == shown


def test_flows_are_told_beside_the_counts_they_add_up_to() -> None:
    log = people(20, 1) + people(12, 31, cell="B") + people(8, 32, name="q") + people(3, 33, cell="C", name="p1")
    log += people(9, 31, cell="B", name="r")
    told = crowd().tell(log, LATER)
    assert flows(told) == {("A", "B"): 12}
    tight = people(13, 1) + people(12, 31, cell="B") + people(9, 31, cell="B", name="r")
    assert flows(crowd().tell(tight, LATER)) == {}


# salts


def test_yesterdays_pseudonyms_cannot_be_made_or_joined(tmp_path: Path) -> None:
    days = [date(2026, 6, 19)]
    keys = DayKey(tmp_path / "key", lambda: days[-1])
    identifiers = [f"02:00:00:00:00:{number:02x}" for number in range(256)]
    before = {keys.pseudonym("wifi", each) for each in identifiers}
    stolen = (tmp_path / "key").read_bytes()
    days.append(date(2026, 6, 20))
    after = {keys.pseudonym("wifi", each) for each in identifiers}
    assert not before & after
    assert stolen[10:] not in (tmp_path / "key").read_bytes()
    # Who has today's key and every identifier there is still finds none of yesterday's pseudonyms.
    assert not before & {DayKey(tmp_path / "key", lambda: days[-1]).pseudonym("wifi", each) for each in identifiers}


# tracks

step = st.tuples(st.integers(1, 900), st.floats(-0.004, 0.004), st.floats(-0.004, 0.004))


@given(st.lists(step, min_size=1, max_size=60))
@settings(deadline=None)
def test_no_released_fix_is_near_an_end_of_its_trip(steps: list[tuple[int, float, float]]) -> None:
    tracks: Tracks[int] = Tracks(200.0)
    at, place, fixes, released = START, Point(136.65, 36.57), [], []
    for number, (seconds, east, north) in enumerate(steps):
        at, place = at + timedelta(seconds=seconds), Point(place.longitude + east, place.latitude + north)
        fixes.append(Fix(at, place, number))
        released += list(tracks.add("bike", fixes[-1]))
    released += list(tracks.end())
    ends = _ends(fixes)
    for fix in released:
        final = next(end for end in ends if end.at >= fix.at)
        assert all(metres(fix.place, end.place) > 200 for end in [*(end for end in ends if end.at <= fix.at), final])


def _ends(fixes: list[Fix[int]]) -> list[Fix[int]]:
    """Where trips begin and end: at the first and last fix, at gaps, and where the vehicle stood for three minutes."""
    ends, since = {fixes[0].told: fixes[0], fixes[-1].told: fixes[-1]}, 0
    for number in range(1, len(fixes)):
        fix, still = fixes[number], number
        while still > since and metres(fixes[still - 1].place, fix.place) <= 30:
            still -= 1
        if fix.at - fixes[number - 1].at > GAP or fix.at - fixes[still].at >= timedelta(minutes=3):
            ends |= {number - 1: fixes[number - 1], number: fix}
            since = number
    return [ends[number] for number in sorted(ends)]


def test_the_middle_of_a_ride_is_released_and_a_stop_is_not() -> None:
    tracks: Tracks[int] = Tracks(200.0)

    def ride(first: int, count: int, east: float) -> list[Fix[int]]:
        return [
            Fix(START + timedelta(seconds=10 * number), Point(136.65 + east * number, 36.57), number)
            for number in range(first, first + count)
        ]

    released = []
    for fix in ride(0, 100, 0.0005):  # 45 m in ten seconds
        released += list(tracks.add("bike", fix))
    stop = Point(136.65 + 0.0005 * 99, 36.57)
    for number in range(100, 125):
        released += list(tracks.add("bike", Fix(START + timedelta(seconds=10 * number), stop, number)))
    assert [fix.told for fix in released] == list(range(5, 95))
    assert list(tracks.end()) == []


# grid squares


def test_a_known_square() -> None:
    assert mesh_code(Point(139.7671, 35.6812), 1000) == "53394611"  # Tokyo station
    assert mesh_code(Point(136.648, 36.578), 1000) == "54366591"


@given(st.floats(122.0, 153.99), st.floats(20.0, 45.99), st.sampled_from(sorted(DIGITS)))
def test_the_centre_of_a_square_lies_in_it(longitude: float, latitude: float, side: int) -> None:
    code = mesh_code(Point(longitude, latitude), side)
    assert len(code) == DIGITS[side]
    assert mesh_code(centre(code), side) == code


# permission


@pytest.mark.parametrize("changes", [{"k": 4}, {"mesh": 300}, {"trim_metres": 50}, {"legal": "x"}])
def test_a_profile_that_protects_too_little_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        profile(**changes)


def test_what_has_to_be_said_first() -> None:
    assert Profile().missing("") == ["owner", "privacy.legal_basis", "privacy.profile"]
    assert profile().missing("city") == []


# bikes


def test_a_bike_that_stands_says_so_once_per_file_and_never_where() -> None:
    adapter = load("bike_gps")
    decode = adapter.decoder(adapter.settings(), Privacy(str, "bikes", profile()))
    head, *_ = (HOUSE / "bike_gps/examples/vehicle_export/input.csv").read_text("utf-8-sig").splitlines()
    place = "P,00089032,36.5780,136.6480,26.1"
    row = "KNZ,KNZ0001,{}," + place + ",2026-06-02 10:{:02}:00,36.5,136.7,2026-06-02 10:{:02}:00,7,0,0,9"
    rows = [row.format("利用可能", minute, minute) for minute in range(5)]
    told = list(decode(Message("\n".join([head, *rows]).encode(), RECEIVED_AT)))
    assert [type(item) for item in told] == [Restricted]
    assert told[0].model.location == Point(136.648, 36.578)  # its port, not its own fix
    assert told[0].expires_at == RECEIVED_AT + timedelta(days=7)
    again = list(decode(Message("\n".join([head, *rows]).encode(), RECEIVED_AT)))
    assert len(again) == 1
