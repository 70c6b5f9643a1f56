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
            _tell("upkeep of history", error, settings)
        await asyncio.sleep(settings.upkeep_pause)


class Upkeep:
    """Rounds of upkeep; each step can be cut off and done again."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._retained: object = None

    async def round(self, now: datetime) -> None:
        """Each step on its own: one that fails is told, keeps no other from running, and is tried in the next round."""
        for step in (self._roll_up, self._retain, self._drop_log, self._compress):
            try:
                await step(now)
            except Exception as error:
                _tell(f"upkeep of history, {step.__name__.strip('_')}", error, self._settings)

    async def _roll_up(self, now: datetime) -> None:
        await rollups.refresh(self._database, now)

    async def _retain(self, now: datetime) -> None:
        """Once a day, and when policies change, drop what is kept no longer."""
        today = (now.date(), await rollups.declared(self._database))
        if today != self._retained and await rollups.retain(self._database, now):
            self._retained = today

    async def _drop_log(self, now: datetime) -> None:
        if self._settings.log_days:
            await chunks.drop_log(self._database, now - timedelta(days=self._settings.log_days))

    async def _compress(self, now: datetime) -> None:
        if self._settings.compress_after_days:
            await chunks.compress_history(self._database, now - timedelta(days=self._settings.compress_after_days))


def _tell(what: str, error: Exception, settings: Settings) -> None:
    _log.warning("%s failed: %s; again in %s s", what, error or type(error).__name__, settings.upkeep_pause)
