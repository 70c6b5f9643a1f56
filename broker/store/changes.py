"""The write: many operations in one transaction with a constant number of statements (see 0002_write.sql)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import asyncpg

from broker.store import readings, shapes, traces
from broker.store.db import Database
from broker.store.group import Group, Key
from broker.store.statements import statements
from ngsi.change import Change
from ngsi.entity import Entity
from ngsi.errors import NgsiLdError
from ngsi.expiry import expire

_RETRIES = 20
_BLOCK = 1000
BREATH = 25  # entities of a batch after which other requests have their turn


class Effect(NamedTuple):
    """What an operation did: whether the entity came to be, which attributes it touched, which it left as they were
    and why, and since when the entity is as it is now (None: it is gone)."""

    created: bool
    touched: list[str]
    not_updated: list[tuple[str, str]]
    modified_at: datetime | None


Outcome = Effect | NgsiLdError


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
    """An entity to be created came to be meanwhile, or readings were rolled up that went by COPY."""


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
        self._rolled_up = -(2**63)  # up to where there were roll-ups when one was last in the way

    async def apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        """One transaction; returns each operation's effect or error in order.

        Raises asyncpg's errors when the database fails, and then nothing is written.
        """
        copies_from: int | None = self._rolled_up
        for attempt in range(_RETRIES):
            try:
                async with self._database.writers.acquire() as connection, connection.transaction():
                    return await self._attempt(connection, operations, copies_from)
            except asyncpg.UniqueViolationError:
                if copies_from is None or attempt == _RETRIES - 1:
                    raise
                copies_from = None  # history knows a reading that the current entity did not tell of
            except (_RaceLost, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == _RETRIES - 1:
                    raise
                if copies_from is not None:
                    mark = await self._database.writers.fetchval(statements("changes")["rolled_up"])
                    copies_from = self._rolled_up = mark
        raise AssertionError("unreachable")

    async def _attempt(
        self, connection: asyncpg.Connection, operations: Sequence[Operation], copies_from: int | None
    ) -> list[Outcome]:
        """Readings that should be new to history go by COPY if none is before `copies_from`: raises
        UniqueViolationError when history knows one, _RaceLost when it is rolled up."""
        sql = statements("changes")
        last = {(operation.tenant, operation.id): place for place, operation in enumerate(operations)}
        keys = sorted(last)
        rows = await connection.fetch(sql["lock"], [key[0] for key in keys], [key[1] for key in keys])
        stored = {(row["tenant"], row["id"]): row for row in rows}
        group = Group(self._database, stored)
        now = self._now()  # the entities of a batch share their modifiedAt (5.5.11.0), two changes of one do not
        met: set[Key] = set()
        outcomes: list[Outcome] = []
        for place, operation in enumerate(operations):
            key = (operation.tenant, operation.id)
            outcomes.append(await self._one(key, operation, group, self._now() if key in met else now))
            met.add(key)
            if last[key] == place:
                group.close(key)
            if place % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        kept = await traces.clear(connection, self._database, group.traced, group.numbers)
        columns = group.columns()
        since = copies_from if columns else None  # it is `write` that tells whether they may go by COPY
        copied = await readings.write(connection, group.new, group.others.values(), since)
        await traces.leave(connection, self._database, kept, group.numbers, stored)
        if columns:
            if not await connection.fetchval(sql["write"], *columns, group.moves, copied):
                raise _RaceLost
            await shapes.note(connection, self._database, group.shapes, group.numbers)
            await self._plan(connection, sorted(group.plans))
        await traces.forget(connection, group.traced, group.numbers)
        return outcomes

    async def _plan(self, connection: asyncpg.Connection, plans: list[tuple[int, str, datetime]]) -> None:
        """Note when something of the entities expires next."""
        if plans:
            await connection.execute(statements("expiry")["plan"], *(list(item) for item in zip(*plans, strict=True)))
            known = self._database.expires_next
            self._database.expires_next = min(*(at for *_, at in plans), known or datetime.max.replace(tzinfo=UTC))

    async def _one(self, key: Key, operation: Operation, group: Group, now: datetime) -> Outcome:
        """The operation's outcome. What has expired goes before it, as a change of its own."""
        before = group.state(key)
        expired = expire(before, now) if before is not None and not group.lasts(key) else None
        if expired is not None:
            await group.add(key, traces.with_scope(expired))
            before, now = expired.after, self._now()
        try:
            change = operation.rule(before, now)
        except NgsiLdError as error:
            return error
        if self._delete_history and change.before is not None and change.after is None:
            change = replace(change, purged=True)
        if operation.via is not None:
            change = replace(change, via=operation.via)
        if change.stores and key not in group.numbers:
            group.numbers[key] = await self._number()
        await group.add(key, traces.with_scope(change))
        return Effect(
            change.created, change.touched, change.not_updated, change.after.modified_at if change.after else None
        )

    def _now(self) -> datetime:
        self._clock = max(datetime.now(UTC), self._clock + timedelta(microseconds=1))
        return self._clock

    async def _number(self) -> int:
        if self._next == self._end:
            self._next = await self._database.writers.fetchval("select nextval('entity_no')")
            self._end = self._next + _BLOCK
        self._next += 1
        return self._next - 1
