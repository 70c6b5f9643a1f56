"""The write: many operations in one transaction with a constant number of statements (see 0002_write.sql)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from broker.store import readings, shapes, traces
from broker.store.db import Database
from broker.store.statements import statements
from broker.store.tenants import learn_terms
from ngsi.change import Change
from ngsi.entity import Entity
from ngsi.errors import NgsiLdError
from ngsi.expiry import due, expire
from ngsi.geometry import ewkb
from ngsi.instance import Attributes
from ngsi.terms import CORE

_LOCATION = CORE + "location"
_FIRST = datetime.min.replace(tzinfo=UTC) + datetime.resolution
_LAST = datetime.max.replace(tzinfo=UTC) - datetime.resolution
_RETRIES = 20
_BLOCK = 1000
_EXPIRES = b'"expiresAt"'
_ATTRIBUTES = 8  # of the columns to write

Key = tuple[int, str]
Outcome = Change | NgsiLdError


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be done to one entity: `rule` gives the change, or raises an NgsiLdError that is its own only.

    `via` names the brokers that the change came by, separated by spaces.
    """

    tenant: int
    id: str
    rule: Callable[[Entity | None, datetime], Change]
    via: str | None = None


class _RaceLost(Exception):
    """An entity to be created came to be meanwhile."""


class Writer:
    """Applies operations; hands out entity numbers from blocks and instants that never repeat.

    With `delete_history` an entity that is deleted takes its history with it.
    """

    def __init__(self, database: Database, *, delete_history: bool = False) -> None:
        self._database = database
        self._delete_history = delete_history
        self._next = 0
        self._end = 0
        self._clock = datetime.min.replace(tzinfo=UTC)

    async def apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        """One transaction; returns each operation's change or error in order.

        Raises asyncpg's errors when the database fails, and then nothing is written.
        """
        copies = True
        for attempt in range(_RETRIES):
            try:
                async with self._database.writers.acquire() as connection, connection.transaction():
                    return await self._attempt(connection, operations, copies)
            except asyncpg.UniqueViolationError:
                if not copies:
                    raise
                copies = False
            except (_RaceLost, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def _attempt(
        self, connection: asyncpg.Connection, operations: Sequence[Operation], copies: bool
    ) -> list[Outcome]:
        """With `copies`, readings that history cannot hold yet go by COPY; raises UniqueViolationError if it does."""
        sql = statements("changes")
        keys = sorted({(operation.tenant, operation.id) for operation in operations})
        rows = await connection.fetch(sql["lock"], [key[0] for key in keys], [key[1] for key in keys])
        stored = {(row["tenant"], row["id"]): row for row in rows}
        states: dict[Key, Entity | None] = {key: _entity(row) for key, row in stored.items()}
        lasting = {key for key, row in stored.items() if row["expires_at"] is None and _lasts(row["attributes"])}
        changes: list[tuple[Key, Change]] = []
        outcomes = [self._one(operation, states, lasting, changes) for operation in operations]
        if not changes:
            return outcomes
        numbers = {key: stored[key]["no"] if key in stored else await self._number() for key, _ in changes}
        await learn_terms(self._database, _names(changes))
        kept = await traces.clear(connection, self._database, changes, numbers)
        new, others = readings.rows(self._database.terms, kept, numbers, stored)
        await readings.write(connection, *((new, others) if copies else ([], [*new, *others])))
        await traces.leave(connection, self._database, kept, numbers, stored)
        current = [(key, change) for key, change in changes if change.changed]
        if current:
            written = _columns(current, numbers, stored.keys())
            if not await connection.fetchval(sql["write"], *written, any(change.moves for _, change in current)):
                raise _RaceLost
            await shapes.note(connection, self._database, current, numbers)
            mortal = {key for (key, _), text in zip(current, written[_ATTRIBUTES], strict=True) if not _lasts(text)}
            mortal.update(key for key, change in current if change.after and change.after.expires_at)
            await self._plan(connection, {key: states[key] for key in sorted(mortal)})
        await traces.forget(connection, changes, numbers)
        return outcomes

    async def _plan(self, connection: asyncpg.Connection, states: dict[Key, Entity | None]) -> None:
        """Note when something of entities expires next."""
        plans = [(*key, at) for key, entity in states.items() if entity is not None and (at := _finite(due(entity)))]
        if plans:
            await connection.execute(statements("expiry")["plan"], *(list(item) for item in zip(*plans, strict=True)))
            known = self._database.expires_next
            self._database.expires_next = min(*(at for *_, at in plans), known or datetime.max.replace(tzinfo=UTC))

    def _one(
        self,
        operation: Operation,
        states: dict[Key, Entity | None],
        lasting: set[Key],
        changes: list[tuple[Key, Change]],
    ) -> Outcome:
        """The operation's outcome. What has expired goes before it, as a change of its own; nothing of `lasting`."""
        key = (operation.tenant, operation.id)
        before = states.get(key)
        expired = expire(before, self._now()) if before is not None and key not in lasting else None
        if expired is not None:
            changes.append((key, traces.with_scope(expired)))
            states[key] = before = expired.after
        try:
            change = operation.rule(before, self._now())
        except NgsiLdError as error:
            return error
        if self._delete_history and change.before is not None and change.after is None:
            change = replace(change, purged=True)
        if operation.via is not None:
            change = replace(change, via=operation.via)
        states[key] = change.after
        lasting.discard(key)
        if change.stores:
            changes.append((key, traces.with_scope(change)))
        return change

    def _now(self) -> datetime:
        self._clock = max(datetime.now(UTC), self._clock + timedelta(microseconds=1))
        return self._clock

    async def _number(self) -> int:
        if self._next == self._end:
            self._next = await self._database.writers.fetchval("select nextval('entity_no')")
            self._end = self._next + _BLOCK
        self._next += 1
        return self._next - 1


def _names(changes: list[tuple[Key, Change]]) -> set[str]:
    names: set[str] = set()
    for _, change in changes:
        for iri, instance in [*change.written, *change.removed]:
            names.add(iri)
            if "datasetId" in instance:
                names.add(instance["datasetId"])
        for erasure in change.erased:
            names.update(filter(None, (erasure.attribute, erasure.dataset)))
        for correction in change.corrected:
            names.update(filter(None, (correction.attribute, correction.dataset)))
    return names


def _entity(row: Any) -> Entity | None:
    if row["deleted_at"] is not None:
        return None
    return entity_of(row, orjson.loads(row["attributes"]))


def _lasts(attributes: str | bytes | None) -> bool:
    """True when nothing in the JSON text of attributes expires; to ask the text costs a tenth of a look at each."""
    expires: Any = _EXPIRES if isinstance(attributes, bytes) else _EXPIRES.decode()
    return attributes is None or expires not in attributes


def entity_of(row: Any, attributes: Attributes | None = None) -> Entity:
    """The entity of a row of table entity; `attributes` when the row has them as text."""
    return Entity(
        row["id"],
        row["types"],
        row["attributes"] if attributes is None else attributes,
        row["scopes"] or [],
        row["created_at"],
        row["modified_at"],
        row["expires_at"],
    )


def _columns(changes: list[tuple[Key, Change]], numbers: dict[Key, int], stored: Any) -> list[list[Any]]:
    last = {key: place for place, (key, _) in enumerate(changes)}
    rows = [
        (key[0], numbers[key], key[1], key not in stored, last[key] == place, *_columns_of(change))
        for place, (key, change) in enumerate(changes)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _columns_of(change: Change) -> tuple[Any, ...]:
    shown = change.after or change.before
    assert shown is not None
    operation = "delete" if change.after is None else "create" if change.before is None else "update"
    earlier = change.before.attributes if change.before else {}
    before = {iri: earlier[iri] for iri in change.touched if iri in earlier}
    return (
        operation,
        "\n".join(shown.types),
        "\n".join(shown.scopes) or None,
        orjson.dumps(change.after.attributes) if change.after else None,
        _location(change.after),
        shown.created_at,
        shown.modified_at if change.after else change.at,
        _finite(shown.expires_at),
        "\n".join(change.touched),
        orjson.dumps(before) if before else None,
        change.via,
    )


def _finite(instant: datetime | None) -> datetime | None:
    """`instant`, within the calendar's first and last one: those asyncpg takes for infinity, which has no zone."""
    return None if instant is None else min(max(instant, _FIRST), _LAST)


def _location(entity: Entity | None) -> bytes | None:
    for instance in entity.attributes.get(_LOCATION, ()) if entity else ():
        if "datasetId" not in instance and isinstance(instance.get("value"), dict):
            return ewkb(instance["value"])
    return None
