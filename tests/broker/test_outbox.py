"""The outbox by itself: whatever order things are settled in, order, numbers and counts hold."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from broker.subscriptions.outbox import Outbox
from ngsi.event import Event

NOW = datetime(2026, 6, 19, tzinfo=UTC)


def event(seq: int, entity: int) -> Event:
    name = f"urn:ngsi-ld:Room:{entity}"
    return Event(seq, NOW, 1, name, ["T"], None, "update", [], {}, None, NOW, NOW)


def identity(outbox: Outbox) -> bool:
    counts = outbox.counts
    return counts.matched == counts.delivered + counts.dead + counts.coalesced + outbox.pending


@given(st.lists(st.integers(0, 3), max_size=60), st.randoms(use_true_random=False))
def test_whatever_is_settled_first_lanes_keep_order_and_nothing_is_skipped(entities: list[int], chance: object) -> None:
    outbox = Outbox(0, 0)
    began: dict[str, list[int]] = {}
    under_way = []
    told = []
    for seq, entity in enumerate(entities, 1):
        outbox.take(event(seq, entity))
    while outbox.ready or under_way:
        while outbox.ready:
            item = outbox.ready.popleft()
            item.attempts += 1
            assert item.lane not in [other.lane for other in under_way], "two of one entity at a time"
            began.setdefault(item.lane, []).append(item.position)
            under_way.append(item)
        item = under_way.pop(chance.randrange(len(under_way)))  # type: ignore[attr-defined]
        outbox.settle(item, chance.choice(["delivered", "dead"]))  # type: ignore[attr-defined]
        told.append(item.sequence)
        for passed in (outbox.sequence, outbox.position):  # an event's place is its number here
            assert set(range(1, passed + 1)) <= set(told), "the position passed over something unsettled"
        assert identity(outbox)
    assert all(positions == sorted(positions) for positions in began.values())
    assert outbox.sequence == outbox.last == len(entities)
    assert not outbox.pending


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 40))
def test_what_was_let_go_is_made_again_with_the_same_numbers(entities: list[int], begun: int) -> None:
    outbox = Outbox(0, 0)
    events = [event(seq, entity) for seq, entity in enumerate(entities, 1)]
    for one in events:
        outbox.take(one)
    under_way = []
    for _ in range(min(begun, len(outbox.ready))):
        item = outbox.ready.popleft()
        item.attempts += 1
        under_way.append(item)
    numbers = {item.position: item.sequence for item in under_way}
    outbox.let_go()
    assert identity(outbox)
    for one in events:
        if one.seq > outbox.read:
            outbox.take(one)
    for item in under_way:
        outbox.settle(item, "delivered")
    while outbox.ready:
        item = outbox.ready.popleft()
        numbers[item.position] = item.sequence
        outbox.settle(item, "delivered")
    assert numbers == {seq: seq for seq in range(1, len(entities) + 1)}
    assert outbox.counts.delivered == outbox.counts.matched == len(entities)


def test_held_changes_are_told_once_per_entity_in_the_last_state() -> None:
    outbox = Outbox(0, 0)
    for seq, entity in enumerate([1, 2, 1, 3, 1], 1):
        outbox.hold(event(seq, entity))
    item = outbox.form()
    assert item is not None
    assert [one.seq for one in item.events] == [2, 4, 5]
    assert (item.changes, item.coalesced, item.position) == (3, 2, 5)
    outbox.ready.clear()
    outbox.settle(item, "delivered")
    assert identity(outbox)
    assert outbox.position == 5
