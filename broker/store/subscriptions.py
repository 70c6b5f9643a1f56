"""Subscriptions as clients see them; how they are served is kept by `broker.store.dispatch`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from broker.store.db import Database
from broker.store.statements import statements

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A subscription with what the dispatcher has told of it; `told` holds the columns of subscription_state."""

    no: int
    document: Document
    context: Any
    created_at: datetime
    modified_at: datetime
    told: dict[str, Any]


async def create(
    database: Database, tenant: int, subscription_id: str, document: Document, context: Any, now: datetime
) -> bool:
    """False when the id is taken."""
    made = await database.writers.fetch(
        _sql("create"), tenant, subscription_id, orjson.dumps(document), _json(context), now
    )
    return bool(made)


async def update(
    database: Database,
    tenant: int,
    subscription_id: str,
    rule: Callable[[Document], tuple[Document, Any, bool]],
    now: datetime,
) -> bool:
    """Apply `rule` (stored document -> new document, its context or None to keep it, whether it begins anew).

    False when there is no such subscription; raises what `rule` raises, and then nothing is changed.
    """
    async with database.writers.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_sql("locked"), tenant, subscription_id)
        if row is None:
            return False
        document, context, anew = rule(row["document"])
        context = row["context"] if context is None else context
        await connection.fetch(_sql("update"), row["no"], orjson.dumps(document), _json(context), now, anew)
    return True


async def delete(database: Database, tenant: int, subscription_id: str) -> bool:
    return bool(await database.writers.fetch(_sql("delete"), tenant, subscription_id))


async def one(database: Database, tenant: int, subscription_id: str) -> Stored | None:
    row = await database.readers.fetchrow(_sql("one"), tenant, subscription_id)
    return None if row is None else _stored(row)


async def listed(database: Database, tenant: int, limit: int, offset: int) -> list[Stored]:
    return [_stored(row) for row in await database.readers.fetch(_sql("listed"), tenant, limit, offset)]


async def count(database: Database, tenant: int) -> int:
    return int(await database.readers.fetchval(_sql("count"), tenant))


async def mark(database: Database, no: int, sequence: int) -> tuple[int, int] | None:
    """The last known place (sequence, position) in the log at or before notification `sequence`."""
    row = await database.readers.fetchrow(_sql("mark"), no, sequence)
    return None if row is None else (row["sequence"], row["position"])


async def first_mark(database: Database, no: int) -> tuple[int, int] | None:
    """The first known place: what was before it cannot be replayed."""
    row = await database.readers.fetchrow(_sql("first_mark"), no)
    return None if row is None else (row["sequence"], row["position"])


async def marks(database: Database, no: int, after: int, limit: int) -> list[tuple[int, int]]:
    """Known places after notification `after`."""
    return [(row["sequence"], row["position"]) for row in await database.readers.fetch(_sql("marks"), no, after, limit)]


async def letters(database: Database, no: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Dead letters after notification `after`."""
    return [dict(row) for row in await database.readers.fetch(_sql("letters"), no, after, limit)]


async def redrive(database: Database, no: int) -> int:
    """Ask the dispatcher to send the dead letters again; how many there are."""
    return int(await database.writers.fetchval(_sql("redrive"), no))


def _stored(row: Any) -> Stored:
    return Stored(row["no"], row["document"], row["context"], row["created_at"], row["modified_at"], dict(row))


def _json(context: Any) -> bytes | None:
    return None if context is None else orjson.dumps(context)


def _sql(name: str) -> str:
    return statements("subscriptions")[name]
