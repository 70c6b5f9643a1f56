"""The clean-up of what has expired: changes like any other, so that history and subscribers know.

It happens every few seconds, and before a question is answered when something that this process knows of is due: what
has expired then neither matches a filter nor hides what is behind it (GS CIM 009, 4.22).
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from broker.provision import Provision
from broker.store import expiry
from broker.store.changes import Operation
from broker.store.db import Database
from ngsi.expiry import keep

_log = logging.getLogger("broker.expiry")
_PATIENCE: Final = 2.0  # seconds that a question waits for the clean-up; what is left then is hidden all the same


class Expiry:
    """Cleans up every `pause` seconds, and when it is asked to and something is due."""

    def __init__(self, database: Database, provision: Provision, pause: float) -> None:
        self._database = database
        self._provision = provision
        self._pause = pause
        self._cleaning: asyncio.Task[None] | None = None
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        tasks = [task for task in (self._loop, self._cleaning) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def settled(self) -> None:
        """What is due is gone when this returns. It costs a comparison when nothing is."""
        due = self._database.expires_next
        if due is not None and due <= datetime.now(UTC):
            await asyncio.wait([self._task()], timeout=_PATIENCE)

    def _task(self) -> asyncio.Task[None]:
        if self._cleaning is None or self._cleaning.done():
            self._cleaning = asyncio.create_task(self._clean_up())
        return self._cleaning

    async def _run(self) -> None:
        while True:
            await asyncio.wait([self._task()])
            await asyncio.sleep(self._pause)

    async def _clean_up(self) -> None:
        """A failure is told, and tried again at the next occasion."""
        try:
            while rows := await expiry.due(self._database, datetime.now(UTC)):
                await self._provision.apply([Operation(row["tenant"], row["id"], keep) for row in rows])
                await expiry.done(self._database, rows)
            self._database.expires_next = await expiry.earliest(self._database)
        except Exception as error:
            _log.warning("expired entities could not be cleaned up: %s; again in %s s", error, self._pause)
