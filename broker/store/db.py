"""The connections: one pool for questions, one for writes; both speak JSON as bytes."""

import asyncio
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from broker.store.connections import BETWEEN, LOOKING
from broker.store.lookups import Gathered, Lookups
from broker.store.reach import Reach
from broker.store.statements import statements

UNREACHABLE = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncio.TimeoutError)
CONNECTION_LOST = (*UNREACHABLE, asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
UNHOLDABLE = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)


# The statement of `lookups` has one good plan, by the primary key. Left to itself the server may keep to planning it
# anew for every call, at ten times the cost of the look-up, when it first saw it while the table was small.
_BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

# The plan of a composed question depends on its values: how rare a type is, how near is near.
# One question does not take the processors of the others.
_BY_VALUE = {"plan_cache_mode": "force_custom_plan", "max_parallel_workers_per_gather": "0", "jit": "off"}


# Readings are looked for series by series, by index, in every chunk that the time range leaves: to plan that anew for
# each question would cost more than to answer it.
_BY_SERIES = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


class Database:
    """Pools on one DSN. Questions and look-ups run under a statement timeout, writes do not."""

    def __init__(
        self, readers: asyncpg.Pool, writers: asyncpg.Pool, by_key: asyncpg.Pool, by_series: asyncpg.Pool
    ) -> None:
        self.readers = readers
        self.writers = writers
        self.by_series = by_series
        self.lookups = Lookups(by_key)
        self.ever_known = Gathered(by_key, statements("history")["known"], _row)  # deleted entities too
        self.reach = Reach()
        # many short questions at once take the processor from who asks them; the other half is for long ones
        self.windows = asyncio.Semaphore(max(2, by_series.get_max_size() // 2))
        self._pools = (readers, writers, by_key, by_series)
        self.tenants: dict[str, int] = {}
        self.terms: dict[str, int] = {}
        self.term_iris: dict[int, str] = {}
        self.shapes: dict[str, int] = {}
        self.expires_next: datetime | None = None  # of what is stored, as far as this process knows
        self.collations: set[str] = set()
        self.indexes: dict[Any, int] = {}
        self.indexes_due = 0.0
        self.building: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, dsn: str, *, connections: int, writers: int, statement_timeout: float) -> "Database":
        """Raises asyncpg's errors or OSError when the server cannot be reached."""
        timeout = {"statement_timeout": str(int(statement_timeout * 1000))}
        reading = await asyncpg.create_pool(
            dsn, min_size=2, max_size=connections, init=_prepare, reset=_keep, server_settings={**timeout, **_BY_VALUE}
        )
        writing = await asyncpg.create_pool(dsn, min_size=1, max_size=writers + BETWEEN, init=_prepare, reset=_keep)
        looking = await asyncpg.create_pool(
            dsn, min_size=1, max_size=LOOKING, init=_prepare, reset=_keep, server_settings={**timeout, **_BY_KEY}
        )
        remembering = await asyncpg.create_pool(
            dsn, min_size=1, max_size=connections, init=_prepare, reset=_keep, server_settings={**timeout, **_BY_SERIES}
        )
        return cls(reading, writing, looking, remembering)

    async def close(self) -> None:
        if self.building is not None:
            self.building.cancel()
            await asyncio.wait([self.building])
        for pool in self._pools:
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except (TimeoutError, *UNREACHABLE):
                pool.terminate()

    async def identity(self) -> str:
        """The URI of this context source: the same as long as the database lasts."""
        return f"urn:ngsi-ld:ContextSource:{await self.readers.fetchval('select id from identity')}"

    async def ping(self) -> None:
        await self.readers.fetchval("select 1", timeout=2)


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=lambda raw: b"\x01" + raw, decoder=_jsonb
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=lambda raw: raw, decoder=orjson.loads
    )
    await connection.set_type_codec("jsonpath", schema="pg_catalog", format="text", encoder=str, decoder=str)


def _jsonb(data: bytes) -> Any:
    return orjson.loads(memoryview(data)[1:])


def _row(row: Any) -> Any:
    return row


async def _keep(_: asyncpg.Connection) -> None:
    """No statement of ours leaves state in a session, so nothing is to be reset."""
