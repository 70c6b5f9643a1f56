"""Confirmed readings keep their place: a provisional file of old that is read again changes nothing of them.

What has been confirmed only the broker knows for certain, so it is asked, about old readings only: values are confirmed
months after they were measured, and what is fresh need not wait for an answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

STATUS = "dataStatus"
PROVISIONAL, CONFIRMED = "provisional", "confirmed"

Reading = tuple[str, datetime]  # attribute and observedAt


class Memory(Protocol):
    """Whoever knows what was stored: the history of some attributes of an entity between two instants."""

    async def history(
        self, entity_id: str, attributes: Iterable[str], since: datetime, until: datetime, tenant: str, patience: float
    ) -> Mapping[str, Any]: ...


async def standing(
    memory: Memory, entities: Sequence[dict[str, Any]], settled: timedelta, tenant: str, patience: float
) -> list[dict[str, Any]]:
    """The entities, without those provisional readings older than `settled` which stand there confirmed."""
    before = datetime.now(UTC) - settled
    old: dict[str, list[Reading]] = defaultdict(list)
    for entity in entities:
        old[entity["id"]] += _provisional(entity, before)
    confirmed = {
        entity_id: await _confirmed(memory, entity_id, readings, tenant, patience)
        for entity_id, readings in old.items()
        if readings
    }
    return [_without(entity, confirmed.get(entity["id"], frozenset())) for entity in entities]


def _provisional(entity: Mapping[str, Any], before: datetime) -> list[Reading]:
    return [each for each in _readings(entity, PROVISIONAL) if each[1] < before]


def _readings(entity: Mapping[str, Any], status: str) -> Iterable[Reading]:
    for name, member in entity.items():
        for each in member if isinstance(member, list) else (member,):
            if isinstance(each, dict) and each.get(STATUS, {}).get("value") == status and "observedAt" in each:
                yield name, datetime.fromisoformat(each["observedAt"])


async def _confirmed(
    memory: Memory, entity_id: str, readings: Sequence[Reading], tenant: str, patience: float
) -> frozenset[Reading]:
    times = [at for _, at in readings]
    second = timedelta(seconds=1)
    told = await memory.history(
        entity_id, sorted({name for name, _ in readings}), min(times) - second, max(times) + second, tenant, patience
    )
    return frozenset(_readings(told, CONFIRMED))


def _without(entity: dict[str, Any], confirmed: frozenset[Reading]) -> dict[str, Any]:
    if not confirmed:
        return entity
    gone = {name for name, at in _readings(entity, PROVISIONAL) if (name, at) in confirmed}
    return {name: member for name, member in entity.items() if name not in gone} if gone else entity
