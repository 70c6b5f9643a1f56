"""The end of the log as it grows, for everybody in this process who watches it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from broker.log.reader import Reader
from broker.store import log
from broker.store.db import FAILURES, Database
from ngsi.event import Event

_WAITING: Final = 1000  # events for one watcher; one who is slower is cut off, and can go on from where it was
_LOOK_EVERY: Final = 1.0
_SIGN_OF_LIFE: Final = 10.0
_IDLE: Final = 30  # looks without anybody to tell, until reading ends

_log = logging.getLogger("broker.log")

Wanted = Callable[[Event], bool]


class Watcher:
    """Events of one tenant that are wanted. `events` ends with None when it is cut off."""

    def __init__(self, tenant: int, wanted: Wanted) -> None:
        self.tenant = tenant
        self.wanted = wanted
        self.events: asyncio.Queue[Event | None] = asyncio.Queue(_WAITING + 1)

    def tell(self, event: Event) -> bool:
        """False when the watcher is too slow."""
        if event.tenant == self.tenant and self.wanted(event):
            if self.events.qsize() >= _WAITING:
                self.events.put_nowait(None)
                return False
            self.events.put_nowait(event)
        return True


class Live:
    """Reads the log once for all watchers, and only while there are any."""

    def __init__(self, database: Database, dsn: str) -> None:
        self._database = database
        self._dsn = dsn
        self._reader = Reader(database, 0)
        self._watchers: set[Watcher] = set()
        self._coming = 0  # watchers that still read what came before
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    async def watch(self, watcher: Watcher, after: int) -> AsyncIterator[Event | None]:
        """The watcher's events after position `after`, for ever; None is a sign of life.

        Ends when the watcher is cut off for being slow. Raises the database's errors.
        """
        self._coming += 1
        try:
            await self._begin()
            reader = Reader(self._database, after, tenant=watcher.tenant)
            while reader.position < self._reader.position:
                for event in await reader.window(self._reader.position):
                    if watcher.wanted(event):
                        yield event
            self._watchers.add(watcher)
        finally:
            self._coming -= 1
        try:
            while True:
                told: Event | None = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SIGN_OF_LIFE):
                        told = await watcher.events.get()
                        if told is None:
                            return
                yield told
        finally:
            self._watchers.discard(watcher)

    @property
    def position(self) -> int:
        """How far watchers have been told."""
        return self._reader.position

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._reader.position = await log.head(self._database)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        idle = 0
        while idle < _IDLE:
            try:
                async with log.listening(self._dsn, self._woken.set):
                    while idle < _IDLE:
                        idle = 0 if self._watchers or self._coming else idle + 1
                        with suppress(TimeoutError):
                            async with asyncio.timeout(_LOOK_EVERY):
                                await self._woken.wait()
                        self._woken.clear()
                        await self._pass_on()
            except FAILURES as error:
                _log.warning("live streams wait for the database (%s)", type(error).__name__)
                await asyncio.sleep(_LOOK_EVERY)

    async def _pass_on(self) -> None:
        while events := await self._reader.window():
            for event in events:
                slow = [watcher for watcher in self._watchers if not watcher.tell(event)]
                self._watchers.difference_update(slow)
