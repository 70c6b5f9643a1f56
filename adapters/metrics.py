"""What each source did, counted, and told in the text format of Prometheus."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime

KNOWN = 100_000  # entities per source whose newest instant is remembered


@dataclass(slots=True)
class Counters:
    """One source since the process began. `lag` is the seconds from receipt to commit of the last batch's oldest."""

    received: int = 0  # messages that came in
    decoded: int = 0  # entities they said
    quarantined: int = 0  # messages, rows and entities set aside
    late: int = 0  # entities older than one of the same id before them
    flagged: int = 0  # entities in which the quality gate found something
    delivered: int = 0  # entities the broker committed
    spooled: int = 0  # messages that had to wait on disk
    restarts: int = 0  # times the source failed and began again
    lag: float = 0.0


HELP = {
    "received": "Messages received.",
    "decoded": "Entities decoded.",
    "quarantined": "Messages, rows and entities set aside.",
    "late": "Entities older than one of the same id seen before.",
    "flagged": "Entities in which the quality gate found something.",
    "delivered": "Entities committed by the broker.",
    "spooled": "Messages that had to wait on disk.",
    "restarts": "Times the source failed and began again.",
    "lag": "Seconds from receipt to commit, of the oldest message of the last batch.",
    "waiting": "Messages waiting on disk.",
}


class Newest:
    """The newest instant seen of each entity, to tell what comes late."""

    def __init__(self) -> None:
        self._known: dict[str, datetime] = {}

    def is_late(self, entity_id: str, at: datetime | None) -> bool:
        if at is None:
            return False
        known = self._known.get(entity_id)
        if known is not None and at < known:
            return True
        if len(self._known) >= KNOWN and known is None:
            self._known.clear()
        self._known[entity_id] = at
        return False


class Metrics:
    """The counters of all sources. `waiting` asks the spool."""

    def __init__(self, waiting: Callable[[str], int] = lambda source: 0) -> None:
        self._waiting = waiting
        self._sources: dict[str, Counters] = {}

    def of(self, source: str) -> Counters:
        return self._sources.setdefault(source, Counters())

    def text(self) -> str:
        """All counters in the text format of Prometheus 0.0.4."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        for each in fields(Counters):
            if each.name == "lag":
                yield from self._family("lag_seconds", "gauge", "lag", lambda source: self._sources[source].lag)
            else:
                name = each.name
                yield from self._family(f"{name}_total", "counter", name, self._counter(name))
        yield from self._family("waiting", "gauge", "waiting", self._waiting)

    def _counter(self, name: str) -> Callable[[str], float]:
        return lambda source: getattr(self._sources[source], name)

    def _family(self, suffix: str, kind: str, about: str, value: Callable[[str], float]) -> Iterator[str]:
        name = f"yukitsuri_source_{suffix}"
        yield f"# HELP {name} {HELP[about]}"
        yield f"# TYPE {name} {kind}"
        # A source's name is made of letters, digits, - and _: nothing to escape.
        for source in sorted(self._sources):
            yield f'{name}{{source="{source}"}} {value(source):g}'
