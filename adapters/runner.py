"""Runs the sources: one task each, batches, restart with backoff. A failing source is its own problem."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from adapters.backoff import delays
from adapters.contract import Adapter, Decode, DecodeError, Message, Outcome, Transport
from adapters.quarantine import Quarantine, Record, of_error, of_rejection
from adapters.sink import Sink
from models import Model

log = logging.getLogger(__name__)

STEADY = 60.0  # seconds without a failure after which a source starts with a fresh backoff


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source, bound to its settings and ready to run."""

    name: str
    adapter: Adapter
    transport: Transport
    decode: Decode
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Broker:
    """The two doors of the broker, and how much to carry through them at once."""

    sink: Sink
    quarantine: Quarantine
    batch: int = 200
    queue: int = 500


class Decoded(NamedTuple):
    """One entity or error, and the message that told it."""

    message: Message
    item: Model | DecodeError


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


async def deliver(source: Source, broker: Broker, messages: list[Message]) -> None:
    """Commits what the messages say, sets aside what they do not say well, then settles each of them."""
    tally = {id(message): _Tally() for message in messages}
    batch: list[Decoded] = []
    for decoded in _decoded(source.decode, messages):
        batch.append(decoded)
        if len(batch) == broker.batch:
            await _commit(source, broker, batch, tally)
            batch = []
    await _commit(source, broker, batch, tally)
    for message in messages:
        await message.settle(tally[id(message)].outcome)


async def _commit(source: Source, broker: Broker, batch: list[Decoded], tally: dict[int, "_Tally"]) -> None:
    told: dict[int, Message] = {}
    entities = []
    for message, item in batch:
        if isinstance(item, DecodeError):
            await _set_aside(broker, of_error(source.name, source.adapter, message, item), message, tally)
            continue
        entities.append(entity := item.to_ngsi())
        told[id(entity)] = message
    for rejected in await broker.sink.post(entities, source.tenant):
        message = told.pop(id(rejected.entity))
        await _set_aside(broker, of_rejection(source.name, source.adapter, message, rejected), message, tally)
    for message in told.values():
        tally[id(message)].committed += 1


async def _set_aside(broker: Broker, record: Record, message: Message, tally: dict[int, "_Tally"]) -> None:
    await broker.quarantine.put(record)
    tally[id(message)].set_aside += 1


def _decoded(decode: Decode, messages: Iterable[Message]) -> Iterator[Decoded]:
    for message in messages:
        try:
            if refused := message.metadata.get("refused"):
                raise DecodeError("message", message.topic, refused)
            for item in decode(message):
                yield Decoded(message, item)
        except DecodeError as error:
            yield Decoded(message, error)
        except Exception as error:  # a decoder's own mistake must not stop the messages behind this one
            log.exception("decoder failed")
            yield Decoded(message, DecodeError("message", type(error).__name__, "the decoder failed on this message"))


@dataclass(slots=True)
class _Tally:
    committed: int = 0
    set_aside: int = 0

    @property
    def outcome(self) -> Outcome:
        if not self.set_aside:
            return Outcome.COMMITTED
        return Outcome.PARTIAL if self.committed else Outcome.REFUSED


def _causes(failure: BaseExceptionGroup[BaseException]) -> str:
    """The leaves of a group of failures, in one line."""
    leaves = [
        _causes(each) if isinstance(each, BaseExceptionGroup) else f"{type(each).__name__}: {each}"
        for each in failure.exceptions
    ]
    return "; ".join(leaves)
