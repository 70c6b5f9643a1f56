"""What one subscription still has to be told: in order per entity, counted so that nothing is lost or told of twice.

Changes come in the order of the log and get the next numbers. They may be settled out of order (another entity's
notification overtakes one that is retried), but `position` only moves over what is settled without a gap: begin again
there, and every notification is made once more with the same number.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ngsi.entity import Entity
from ngsi.event import Event


@dataclass(slots=True, eq=False)
class Item:
    """One notification: its number, its changes, how it fared. `position` is the last change that it tells of."""

    sequence: int
    position: int
    events: tuple[Event, ...]
    changes: int = 1
    coalesced: int = 0
    attempts: int = 0
    due: float = 0.0
    id: str = ""
    notified_at: str = ""
    body: bytes = b""
    entities: tuple[Entity, ...] = ()  # of a periodic notification, which has no events
    remembered: bool = False
    outcome: str = ""

    @property
    def lane(self) -> str:
        """Notifications of one lane follow one another: those of one entity, and all that tell of several."""
        return self.events[0].id if len(self.events) == 1 else ""


@dataclass(slots=True)
class Counts:
    """Changes by what became of them."""

    matched: int = 0
    delivered: int = 0
    dead: int = 0
    coalesced: int = 0


@dataclass(slots=True)
class Outbox:
    """`position` and `sequence` are settled; `read` is how far the log was taken in, `last` the last number given."""

    position: int
    sequence: int
    counts: Counts = field(default_factory=Counts)
    read: int = 0
    last: int = 0
    held: dict[str, Event] = field(default_factory=dict)
    ready: deque[Item] = field(default_factory=deque)
    _held_changes: int = 0
    _pending: dict[int, Item] = field(default_factory=dict)
    _lanes: dict[str, deque[Item]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.read = max(self.read, self.position)
        self.last = self.sequence

    def __len__(self) -> int:
        return len(self._pending) + len(self.held)

    @property
    def first(self) -> Item | None:
        """The oldest notification that is not settled."""
        return next(iter(self._pending.values()), None)

    @property
    def tried(self) -> Item | None:
        """The oldest notification that is being tried; older ones may not have had their turn yet."""
        return next((item for item in self._pending.values() if item.attempts and not item.outcome), None)

    @property
    def pending(self) -> int:
        """Changes taken in and not settled, or settled behind one that is not."""
        return self._held_changes + sum(item.changes + item.coalesced for item in self._pending.values())

    def take(self, event: Event) -> None:
        """A change that is told of by itself."""
        self.counts.matched += 1
        self.read = event.seq
        self.add((event,), event.seq)

    def hold(self, event: Event) -> None:
        """A change that waits for others to be told of with them; of one entity only the last state is told."""
        self.counts.matched += 1
        self.read = event.seq
        self.held.pop(event.id, None)
        self.held[event.id] = event
        self._held_changes += 1

    def renew(self, found: Sequence[Entity]) -> None:
        """A periodic notification; it takes the place of one that is still waiting to be taken."""
        self.counts.matched += 1
        item = self.first
        if item is None:
            item = self.add((), self.position)
        else:
            item.coalesced += 1
        item.entities, item.body = tuple(found), b""

    def caught_up(self, position: int) -> None:
        """Everything up to `position` has been taken in."""
        self.read = max(self.read, position)
        if not len(self):
            self.position = max(self.position, self.read)

    def form(self) -> Item | None:
        """One notification of all that is held."""
        if not self.held:
            return None
        events = tuple(self.held.values())
        coalesced = self._held_changes - len(events)
        self.held.clear()
        self._held_changes = 0
        return self.add(events, events[-1].seq, len(events), coalesced)

    def add(self, events: tuple[Event, ...], position: int, changes: int = 1, coalesced: int = 0) -> Item:
        """The next notification; it becomes ready when its lane is free."""
        self.last += 1
        item = Item(self.last, position, events, changes, coalesced)
        self._pending[item.sequence] = item
        lane = self._lanes.get(item.lane)
        if lane is None:
            self._lanes[item.lane] = deque()
            self.ready.append(item)
        else:
            lane.append(item)
        return item

    def settle(self, item: Item, outcome: str) -> None:
        """`outcome`: delivered, dead or coalesced. The next one of its lane becomes ready."""
        item.outcome = outcome
        item.body = b""
        lane = self._lanes[item.lane]
        if lane:
            self.ready.append(lane.popleft())
        else:
            del self._lanes[item.lane]
        while self._pending:
            first = next(iter(self._pending.values()))
            if not first.outcome:
                return
            del self._pending[first.sequence]
            self._count(first)
        if not self.held:
            self.position = max(self.position, self.read)

    def _count(self, item: Item) -> None:
        counts = self.counts
        counts.coalesced += item.coalesced
        setattr(counts, item.outcome, getattr(counts, item.outcome) + item.changes)
        self.position, self.sequence = item.position, item.sequence

    def let_go(self) -> None:
        """Forget what has not been begun: it is read from the log again, when its turn comes."""
        self.counts.matched -= self._held_changes
        self.held.clear()
        self._held_changes = 0
        waiting = {id(item) for item in self.ready}
        waiting.update(id(item) for lane in self._lanes.values() for item in lane)
        begun = [item for item in self._pending.values() if item.outcome or item.attempts or id(item) not in waiting]
        # numbers are given in order, so only a tail can be forgotten
        last = begun[-1].sequence if begun else self.sequence
        for item in [item for item in self._pending.values() if item.sequence > last]:
            del self._pending[item.sequence]
            self.counts.matched -= item.changes + item.coalesced
        kept = {id(item) for item in self._pending.values()}
        self.ready = deque(item for item in self.ready if id(item) in kept)
        for lane in self._lanes.values():
            for item in [item for item in lane if id(item) not in kept]:
                lane.remove(item)
        busy = {item.lane for item in self._pending.values() if not item.outcome}
        self._lanes = {name: lane for name, lane in self._lanes.items() if name in busy}
        self.last = last
        self.read = begun[-1].position if begun else self.position
