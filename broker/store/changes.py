"""The write: many operations in one transaction with a constant number of statements (see 0002_write.sql)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import asyncpg

from broker.store import readings, shapes, traces
from broker.store.db import Database
from broker.store.group import Group, finite
from broker.store.statements import statements
from ngsi.change import Change
from ngsi.entity import Entity
from ngsi.errors import NgsiLdError
from ngsi.expiry import due, expire

_RETRIES = 20
_BLOCK = 1000

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
                if not copies or attempt == _RETRIES - 1:
                    raise
                copies = False  # history knows a reading that the current entity did not tell of
            except (_RaceLost, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == _RETRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def _attempt(
        self, connection: asyncpg.Connection, operations: Sequence[Operation], copies: bool
    ) -> list[Outcome]:
        """With `copies`, readings that should be new to history go by COPY: raises UniqueViolationError if it does."""
        sql = statements("changes")
        keys = sorted({(operation.tenant, operation.id) for operation in operations})
        rows = await connection.fetch(sql["lock"], [key[0] for key in keys], [key[1] for key in keys])
        stored = {(row["tenant"], row["id"]): row for row in rows}
        group = Group(self._database, stored)
        outcomes = [await self._one(operation, group) for operation in operations]
        if not group.changes:
            return outcomes
        kept = await traces.clear(connection, self._database, group.changes, group.numbers)
        await readings.write(connection, group.new, group.others.values(), copies=copies)
        await traces.leave(connection, self._database, kept, group.numbers, stored)
        if group.current:
            moves = any(change.moves for _, change in group.current)
            if not await connection.fetchval(sql["write"], *group.columns(), moves):
                raise _RaceLost
            await shapes.note(connection, self._database, group.current, group.numbers)
            await self._plan(connection, group)
        await traces.forget(connection, group.changes, group.numbers)
        return outcomes

    async def _plan(self, connection: asyncpg.Connection, group: Group) -> None:
        """Note when something of the entities expires next."""
        plans = [(*key, at) for key, entity in group.mortal() if (at := finite(due(entity)))]
        if plans:
            await connection.execute(statements("expiry")["plan"], *(list(item) for item in zip(*plans, strict=True)))
            known = self._database.expires_next
            self._database.expires_next = min(*(at for *_, at in plans), known or datetime.max.replace(tzinfo=UTC))

    async def _one(self, operation: Operation, group: Group) -> Outcome:
        """The operation's outcome. What has expired goes before it, as a change of its own."""
        key = (operation.tenant, operation.id)
        before = group.state(key)
        expired = expire(before, self._now()) if before is not None and not group.lasts(key) else None
        if expired is not None:
            await group.add(key, traces.with_scope(expired))
            before = expired.after
        try:
            change = operation.rule(before, self._now())
        except NgsiLdError as error:
            return error
        if self._delete_history and change.before is not None and change.after is None:
            change = replace(change, purged=True)
        if operation.via is not None:
            change = replace(change, via=operation.via)
        if change.stores and key not in group.numbers:
            group.numbers[key] = await self._number()
        await group.add(key, traces.with_scope(change))
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
