"""Runs the sources: one task each, batches, restart with backoff. A failing source is its own problem.

When the broker has been away for a while, messages of a source that may be spooled go to disk and are settled; until
the spool of that source is empty again, every new message goes behind the ones that wait, so that order is kept.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime

from adapters.backoff import delays
from adapters.contract import TICK, Message, Outcome
from adapters.delivery import Broker, Source, deliver
from adapters.sink import BrokerAway
from adapters.spool import Spool, SpoolFull

log = logging.getLogger(__name__)

STEADY = 60.0  # seconds without a failure after which a source starts with a fresh backoff


async def keep_running(source: Source, broker: Broker, stop: asyncio.Event | None = None) -> None:
    """Runs one source and starts it again whenever it fails, until `stop` is set."""
    waits = delays(first=0.5)
    while True:
        started = time.monotonic()
        try:
            await pump(source, broker, stop)
            return
        except* Exception as failure:
            if time.monotonic() - started > STEADY:
                waits = delays(first=0.5)
            delay = next(waits)
            broker.metrics.of(source.name).restarts += 1
            log.error("%s: %s; starting again in %.1f s", source.name, _causes(failure), delay)
        if stop is not None and stop.is_set():
            return
        await asyncio.sleep(delay)


async def pump(source: Source, broker: Broker, stop: asyncio.Event | None = None) -> None:
    """Carries messages from the transport to the broker until the transport ends, or until `stop` is set.

    Stopped, it reads no more and carries what it has read. While one batch is on its way the next one gathers; the
    bounded queue is the back-pressure.
    """
    queue: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=broker.queue)
    carrier = _Carrier(source, broker)
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(carrier.drain())
        reading = group.create_task(_read(source, broker, queue))
        ticking = group.create_task(_tick(source.adapter.ticks, queue))
        stopping = group.create_task(_stop(stop or asyncio.Event(), reading, queue))
        await group.create_task(_write(carrier, queue))
        if not stopping.done():
            await carrier.drained()
        for task in (draining, stopping, ticking):
            task.cancel()


class _Carrier:
    """Straight to the broker, or by way of the spool while anything waits there."""

    def __init__(self, source: Source, broker: Broker) -> None:
        self.source, self.broker = source, broker
        self._spool: Spool | None = broker.spool if source.spooled else None
        self._filled, self._empty = asyncio.Event(), asyncio.Event()
        self._mark()

    async def carry(self, messages: list[Message]) -> None:
        if self._spool is None:
            await deliver(self.source, self.broker, messages)
            return
        if not self._spool.waiting(self.source.name):
            try:
                await deliver(self.source, self.broker, messages, self.broker.patience)
                return
            except BrokerAway as trouble:
                log.warning("%s: the broker is away (%s); keeping messages on disk", self.source.name, trouble)
        await self._keep(self._spool, messages)

    async def _keep(self, spool: Spool, messages: list[Message]) -> None:
        for delay in delays():
            try:
                await spool.put(self.source.name, messages)
                break
            except SpoolFull:
                log.error("%s: the spool is full; waiting for the broker", self.source.name)
                await asyncio.sleep(delay)
        self._mark()
        self.broker.metrics.of(self.source.name).spooled += len(messages)
        for message in messages:
            await message.settle(Outcome.SPOOLED)

    async def drain(self) -> None:
        """Delivers what waits, oldest first, for as long as it takes."""
        if (spool := self._spool) is None:
            return
        while True:
            await self._filled.wait()
            kept = await spool.first(self.source.name, self.broker.batch)
            await deliver(self.source, self.broker, [message for _, message in kept])
            await spool.drop(self.source.name, [number for number, _ in kept])
            self._mark()

    async def drained(self) -> None:
        await self._empty.wait()

    def _mark(self) -> None:
        waiting = self._spool is not None and self._spool.waiting(self.source.name) > 0
        (self._filled.set if waiting else self._filled.clear)()
        (self._empty.clear if waiting else self._empty.set)()


async def _read(source: Source, broker: Broker, queue: asyncio.Queue[Message | None]) -> None:
    counters = broker.metrics.of(source.name)
    async for message in source.transport():
        counters.received += 1
        await queue.put(message)
    await queue.put(None)


async def _tick(seconds: float, queue: asyncio.Queue[Message | None]) -> None:
    while seconds:
        await asyncio.sleep(seconds)
        await queue.put(Message(b"", datetime.now(UTC), metadata=TICK))


async def _stop(stop: asyncio.Event, reading: asyncio.Task[None], queue: asyncio.Queue[Message | None]) -> None:
    await stop.wait()
    reading.cancel()
    await queue.put(None)


async def _write(carrier: _Carrier, queue: asyncio.Queue[Message | None]) -> None:
    while (first := await queue.get()) is not None:
        messages = [first]
        while len(messages) < carrier.broker.queue and not queue.empty():
            following = queue.get_nowait()
            if following is None:
                queue.put_nowait(None)
                break
            messages.append(following)
        await carrier.carry(messages)


def _causes(failure: BaseExceptionGroup[BaseException]) -> str:
    """The leaves of a group of failures, in one line."""
    leaves = [
        _causes(each) if isinstance(each, BaseExceptionGroup) else f"{type(each).__name__}: {each}"
        for each in failure.exceptions
    ]
    return "; ".join(leaves)
