"""Runs the sources: one task each, batches, restart with backoff. A failing source is its own problem."""

import asyncio
import logging
import time
from collections.abc import Iterable

from adapters.backoff import delays
from adapters.contract import Message, Transport
from adapters.delivery import Broker, Source, deliver

log = logging.getLogger(__name__)

STEADY = 60.0  # seconds without a failure after which a source starts with a fresh backoff


async def run(sources: Iterable[Source], broker: Broker) -> None:
    """Runs all sources until cancelled."""
    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(keep_running(source, broker), name=source.name)


async def keep_running(source: Source, broker: Broker) -> None:
    """Runs one source and starts it again whenever it fails."""
    waits = delays(first=0.5)
    while True:
        started = time.monotonic()
        try:
            await pump(source, broker)
            return
        except* Exception as failure:
            if time.monotonic() - started > STEADY:
                waits = delays(first=0.5)
            delay = next(waits)
            log.error("%s: %s; starting again in %.1f s", source.name, _causes(failure), delay)
        await asyncio.sleep(delay)


async def pump(source: Source, broker: Broker) -> None:
    """Carries messages from the transport to the broker until the transport ends.

    While one batch is on its way the next one gathers; the bounded queue is the back-pressure.
    """
    queue: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=broker.queue)
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(source.transport, queue))
        group.create_task(_write(source, broker, queue))


async def _read(transport: Transport, queue: asyncio.Queue[Message | None]) -> None:
    async for message in transport():
        await queue.put(message)
    await queue.put(None)


async def _write(source: Source, broker: Broker, queue: asyncio.Queue[Message | None]) -> None:
    while (first := await queue.get()) is not None:
        messages = [first]
        while len(messages) < broker.batch and not queue.empty():
            following = queue.get_nowait()
            if following is None:
                queue.put_nowait(None)
                break
            messages.append(following)
        await deliver(source, broker, messages)


def _causes(failure: BaseExceptionGroup[BaseException]) -> str:
    """The leaves of a group of failures, in one line."""
    leaves = [
        _causes(each) if isinstance(each, BaseExceptionGroup) else f"{type(each).__name__}: {each}"
        for each in failure.exceptions
    ]
    return "; ".join(leaves)
