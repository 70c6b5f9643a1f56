"""Word between the processes of one installation: what one of them must no longer remember of a tenant."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import asyncpg

from broker.store.db import CONNECTION_LOST, Database

CHANNEL: Final = "forget"
_PAUSE: Final = 2.0  # seconds before a lost connection is tried again
_log = logging.getLogger("broker")

Forget = Callable[[str | None], None]


async def tell(database: Database, tenant: str) -> None:
    """Have every process forget what it remembers of `tenant` (a name)."""
    await database.writers.execute("select pg_notify($1, $2)", CHANNEL, tenant)


class Signals:
    """Listens on a connection of its own and calls `forget` with a tenant's name; with None when word may have been
    missed."""

    def __init__(self, dsn: str, forget: Forget) -> None:
        self._dsn = dsn
        self._forget = forget
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on. Raises asyncpg's errors or OSError when the server cannot be reached."""
        self._task = asyncio.create_task(self._run(await self._connect()))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, connection: asyncpg.Connection) -> None:
        while True:
            try:
                await self._until_lost(connection)
                _log.warning("the connection that hears of other processes is lost")
                await asyncio.sleep(_PAUSE)
                connection = await self._connect()
                self._forget(None)
            except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
                _log.warning("other processes cannot be heard (%s)", type(error).__name__)

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._dsn, timeout=10)
        await connection.add_listener(CHANNEL, lambda *heard: self._forget(heard[3]))
        return connection

    async def _until_lost(self, connection: asyncpg.Connection) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            while not (ended.is_set() or connection.is_closed()):
                await ended.wait()
        finally:
            connection.terminate()
