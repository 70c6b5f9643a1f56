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
    upkeep = Upkeep(database, settings)
    while True:
        try:
            async with database.writers.acquire() as connection:
                if await connection.fetchval("select pg_try_advisory_lock($1)", _LEADER):
                    try:
                        await upkeep.round(datetime.now(UTC))
                    finally:
                        await connection.execute("select pg_advisory_unlock($1)", _LEADER)
        except Exception as error:
            what = error or type(error).__name__
            _log.warning("upkeep of history failed: %s; again in %s s", what, settings.upkeep_pause)
        await asyncio.sleep(settings.upkeep_pause)


class Upkeep:
    """Rounds of upkeep; each step can be cut off and done again."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._retained: object = None

    async def round(self, now: datetime) -> None:
        """Roll up what is due; once a day, and when policies change, drop what is kept no longer."""
        database, settings = self._database, self._settings
        await rollups.refresh(database, now)
        today = (now.date(), await rollups.declared(database))
        if today != self._retained and await rollups.retain(database, now):
            self._retained = today
        if settings.log_days:
            await chunks.drop_log(database, now - timedelta(days=settings.log_days))
        if settings.compress_after_days:
            await chunks.compress_history(database, now - timedelta(days=settings.compress_after_days))
