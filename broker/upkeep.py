"""The upkeep of history in the background: roll-ups, retention, compression, the log's window. One broker does it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from broker.settings import Settings
from broker.store import chunks, rollups
from broker.store.db import Database

_log = logging.getLogger("broker.upkeep")
_LEADER = 1033


async def keep_up(database: Database, settings: Settings) -> None:
    """Runs until it is cancelled, a round every BROKER_UPKEEP_PAUSE seconds. A failure is told and tried again."""
    while True:
        try:
            async with database.writers.acquire() as connection:
                if await connection.fetchval("select pg_try_advisory_lock($1)", _LEADER):
                    try:
                        await round_of(database, settings, datetime.now(UTC))
                    finally:
                        await connection.execute("select pg_advisory_unlock($1)", _LEADER)
        except Exception as error:
            _log.warning(
                "upkeep of history failed: %s; again in %s s", error or type(error).__name__, settings.upkeep_pause
            )
        await asyncio.sleep(settings.upkeep_pause)


async def round_of(database: Database, settings: Settings, now: datetime) -> None:
    """One round; each of its steps can be cut off and done again."""
    await rollups.refresh(database, now)
    await rollups.retain(database, now)
    if settings.log_days:
        await chunks.drop_log(database, now - timedelta(days=settings.log_days))
    if settings.compress_after_days:
        await chunks.compress_history(database, now - timedelta(days=settings.compress_after_days))
