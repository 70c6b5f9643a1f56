"""How many connections one broker takes of its database, and how many it may have."""

from typing import Final

import asyncpg

from broker.store.statements import statements

LOOKING: Final = 4  # for look-ups
BETWEEN: Final = 2  # for writes of other kinds, beside the transactions
_LISTENING: Final = 3  # outside the pools: the dispatcher's, the live streams', the one that hears other processes


def most(connections: int, writers: int) -> int:
    """The most that one broker takes with these settings: questions have two pools (see `Database.connect`)."""
    return 2 * connections + writers + BETWEEN + LOOKING + _LISTENING


async def allowed(dsn: str) -> int:
    """How many server, database and role leave to who comes by `dsn`. Raises asyncpg's errors or OSError."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return int(await connection.fetchval(statements("connections")["allowed"]))
    finally:
        await connection.close()
