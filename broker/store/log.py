"""The log of changes, read in its order."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from broker.store.db import Database
from broker.store.statements import statements
from ngsi.event import Event


async def head(database: Database) -> int:
    """The last position of the log; every change up to it is committed."""
    return int(await database.readers.fetchval(statements("log")["head"]))


async def oldest(database: Database) -> int:
    """The first position that the log still has; 0 when it is empty."""
    return int(await database.readers.fetchval(statements("log")["oldest"]))


async def read(
    database: Database,
    after: int,
    until: int,
    types: list[str] | None = None,
    tenant: int | None = None,
    limit: int = 500,
) -> list[Event]:
    """At most `limit` events after position `after` up to `until`, of entities of any of `types` (None: of all)."""
    rows = await database.readers.fetch(statements("log")["read"], after, until, types, tenant, limit)
    return [_event(row) for row in rows]


@asynccontextmanager
async def listening(dsn: str, woken: Callable[[], None]) -> AsyncIterator[None]:
    """Call `woken` whenever the log has grown. Raises OSError or asyncpg's errors when the database is away."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.add_listener("log", lambda *_: woken())
        yield
    finally:
        connection.terminate()


def _event(row: Any) -> Event:
    return Event(*row)
