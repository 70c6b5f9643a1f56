"""One batch of messages on its way: decoded, committed, the bad parts set aside, then settled."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from traceback import format_tb
from typing import NamedTuple

from adapters.contract import Adapter, Decode, DecodeError, Message, Outcome, Transport
from adapters.quarantine import Quarantine, Record, of_error, of_rejection
from adapters.sink import Sink
from models import Model

log = logging.getLogger(__name__)


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
            # Without the exception's text, which may hold what a personal message said.
            log.error("decoder: %s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
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
