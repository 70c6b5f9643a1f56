"""One batch of messages on its way: decoded, committed, the bad parts set aside, then settled."""

import asyncio
import logging
import math
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from traceback import format_tb
from typing import Any, NamedTuple

from adapters.constants import Constants
from adapters.contract import Adapter, Decode, DecodeError, Item, Message, Outcome, Restricted, Transport, Whole
from adapters.metrics import Metrics, Newest
from adapters.precedence import standing
from adapters.provenance import Provenance
from adapters.quality.gate import Gate, Verdict
from adapters.quarantine import Quarantine, Record, of_error, of_rejection
from adapters.sink import Rejected, Sink
from adapters.spool import Spool
from models import Model, zulu

log = logging.getLogger(__name__)

NAMELESS = {"id", "type"}  # an entity with nothing more says nothing new
POSTS = 3  # batches on their way at the same time
LARGE = 65536  # bytes; larger messages and personal ones are decoded in a thread, so that other sources go on


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source, bound to its settings and ready to run.

    `spooled` says that its messages may wait on our disk while the broker is away. `restricted_tenant` is where
    `Restricted` entities go; without one they are dropped.
    """

    name: str
    adapter: Adapter
    transport: Transport
    decode: Decode
    tenant: str = ""
    restricted_tenant: str = ""
    spooled: bool = False
    provenance: Provenance | None = None
    gate: Gate | None = None
    constants: Constants | None = None
    newest: Newest = field(default_factory=Newest, compare=False)


@dataclass(frozen=True, slots=True)
class Broker:
    """The two doors of the broker, and how much to carry through them at once.

    After `patience` seconds without the broker, messages that may go to the spool do.
    """

    sink: Sink
    quarantine: Quarantine
    batch: int = 200
    queue: int = 500
    spool: Spool | None = None
    patience: float = 5.0
    metrics: Metrics = field(default_factory=Metrics)


class Decoded(NamedTuple):
    """One entity or error, and the message that told it."""

    message: Message
    item: Item


class Prepared(NamedTuple):
    """A batch as it leaves: entities by tenant and records, each with the message that told it."""

    by_tenant: dict[str, list[tuple[dict[str, Any], Message]]]
    aside: list[tuple[Record, Message]]
    wholes: list[tuple[Whole, Message]]


async def deliver(source: Source, broker: Broker, messages: list[Message], patience: float = math.inf) -> None:
    """Commits what the messages say, sets aside what they do not say well, and settles each as soon as both are done.

    Raises BrokerAway after `patience` seconds without the broker; `messages` then holds those that are not settled.
    """
    delivery = Delivery(source, broker, patience)
    flight, told = Flight(delivery, messages), list(messages)
    try:
        async for batch, complete in batches(source.adapter, source.decode, told, broker.batch):
            await flight.take(delivery.prepare(batch), len(told) - complete)
        await flight.land()
        await delivery.settle(messages, 0)
    finally:
        await flight.cancel()
    await delivery.tell_scores()


class Delivery:
    """The commits of one round of messages, and what became of each message."""

    def __init__(self, source: Source, broker: Broker, patience: float = math.inf) -> None:
        self._source, self._broker, self._patience = source, broker, patience
        self._counters = broker.metrics.of(source.name)
        self._committed: dict[int, int] = defaultdict(int)
        self._set_aside: dict[int, int] = defaultdict(int)

    def outcome(self, message: Message) -> Outcome:
        if not self._set_aside[id(message)]:
            return Outcome.COMMITTED
        return Outcome.PARTIAL if self._committed[id(message)] else Outcome.REFUSED

    def prepare(self, batch: list[Decoded]) -> Prepared:
        """What is to be posted to each tenant, and what is to be set aside."""
        prepared = Prepared(defaultdict(list), [], [])
        for message, item in batch:
            if isinstance(item, DecodeError):
                prepared.aside.append((self._error(item, message), message))
            elif isinstance(item, Whole):
                prepared.wholes.append((item, message))
            elif (tenant := self._tenant(item)) is not None:
                entity = self._entity(item)
                if (verdict := self._judged(entity, item, message)) and verdict.rejected:
                    prepared.aside.append((self._rejection(entity, verdict.reason, message), message))
                else:
                    prepared.by_tenant[tenant].append((entity, message))
        return prepared

    async def post(self, prepared: Prepared) -> None:
        for record, message in prepared.aside:
            await self._put(record, message)
        for tenant, told in prepared.by_tenant.items():
            await self._post(tenant, told)
        for whole, message in prepared.wholes:
            await self._sweep(whole, message)

    async def _sweep(self, whole: Whole, message: Message) -> None:
        """Deletes what a whole list does not name any more, unless that is most of what there is: then it is none."""
        sink, tenant, patience = self._broker.sink, self._source.tenant, self._patience
        there = await sink.ids(whole.type, whole.prefix, tenant, patience)
        gone = [each for each in there if each not in whole.ids]
        if len(gone) > len(there) / 2:
            rule = (
                f"lacks {len(gone)} of the {len(there)} that are there: too many for a whole list, so none was deleted"
            )
            await self._put(self._error(DecodeError("list", whole.prefix, rule), message), message)
        elif gone:
            log.info("%s: %d that %s does not list any more are deleted", self._source.name, len(gone), message.topic)
            await sink.delete(gone, tenant, patience)
            for each in gone:
                if self._source.constants is not None:
                    self._source.constants.forget(each, tenant)

    async def settle(self, messages: list[Message], left: int) -> None:
        """Settles and takes out all messages but the last `left`."""
        complete, messages[:] = messages[: len(messages) - left], messages[len(messages) - left :]
        if complete:
            self._counters.lag = (datetime.now(UTC) - complete[0].received_at).total_seconds()
        for message in complete:
            await message.settle(self.outcome(message))

    async def tell_scores(self) -> None:
        """Posts the quality scores that are due."""
        gate, source = self._source.gate, self._source
        if gate is not None and (scores := gate.scores(datetime.now(UTC))):
            for rejected in await self._broker.sink.post(scores, source.tenant, self._patience):
                log.error("%s: the score %s is refused: %s", source.name, rejected.entity["id"], rejected.reason)

    def _tenant(self, item: Model | Restricted) -> str | None:
        """Where the entity goes; None for raw data of a source that has no restricted tenant."""
        return (self._source.restricted_tenant or None) if isinstance(item, Restricted) else self._source.tenant

    def _entity(self, item: Model | Restricted) -> dict[str, Any]:
        model = item.model if isinstance(item, Restricted) else item
        self._counters.decoded += 1
        self._counters.late += self._source.newest.is_late(model.id, model.observed_at)
        entity = model.to_ngsi()
        if isinstance(item, Restricted):
            entity["expiresAt"] = zulu(item.expires_at)
        if self._source.provenance is not None:
            self._source.provenance.stamp(entity)
        return entity

    def _judged(self, entity: dict[str, Any], item: Item, message: Message) -> Verdict | None:
        """What the quality gate says. Nothing restricted passes it: quarantine is no place for that."""
        if self._source.gate is None or isinstance(item, Restricted):
            return None
        verdict = self._source.gate.examine(entity, message.received_at)
        self._counters.flagged += bool(verdict.findings)
        return verdict

    def _error(self, error: DecodeError, message: Message) -> Record:
        return of_error(self._source.name, self._source.adapter, message, error, self._source.tenant)

    def _rejection(self, entity: Mapping[str, Any], reason: str, message: Message) -> Record:
        source = self._source
        return of_rejection(source.name, source.adapter, message, Rejected(entity, reason), source.tenant)

    async def _post(self, tenant: str, told: list[tuple[dict[str, Any], Message]]) -> None:
        constants = self._source.constants
        if (settled := self._source.adapter.settled) is not None:
            entities = [entity for entity, _ in told]
            kept = await standing(self._broker.sink, entities, settled, tenant, self._patience)
            told = [(entity, message) for entity, (_, message) in zip(kept, told, strict=True)]
        posted = [constants.trimmed(entity, tenant) if constants else entity for entity, _ in told]
        by_id = {id(each): parcel for each, parcel in zip(posted, told, strict=True)}
        news = [each for each, parcel in zip(posted, told, strict=True) if each is parcel[0] or each.keys() > NAMELESS]
        for rejected in await self._broker.sink.post(news, tenant, self._patience):
            entity, message = by_id.pop(id(rejected.entity))
            await self._put(self._rejection(entity, rejected.reason, message), message)
        self._counters.delivered += len(by_id)
        for entity, message in by_id.values():
            self._committed[id(message)] += 1
            if constants:
                constants.committed(entity, tenant)

    async def _put(self, record: Record, message: Message) -> None:
        await self._broker.quarantine.put(record, self._patience)
        self._counters.quarantined += 1
        self._set_aside[id(message)] += 1


class Flight:
    """Batches on their way, while the next one is decoded.

    Several may be, but never two that hold the same entity: what is said of it arrives in order. A message is settled
    after all that came before it.
    """

    def __init__(self, delivery: Delivery, messages: list[Message]) -> None:
        self._delivery, self._messages = delivery, messages
        self._under_way: deque[tuple[asyncio.Task[None], set[tuple[str, str]]]] = deque()

    async def take(self, prepared: Prepared, left: int) -> None:
        """Sends a batch on its way; with it all messages but the `left` last ones are complete.

        One that ends a whole list travels alone: what is not in the list must not be on its way.
        """
        held = {(tenant, entity["id"]) for tenant, told in prepared.by_tenant.items() for entity, _ in told}
        if prepared.wholes:
            await self.land()
        while len(self._under_way) >= POSTS or any(held & others for _, others in self._under_way):
            await self._first()
        before = self._under_way[-1][0] if self._under_way else None
        self._under_way.append((asyncio.create_task(self._carry(prepared, left, before)), held))
        if prepared.wholes:
            await self.land()
        await asyncio.sleep(0)

    async def land(self) -> None:
        while self._under_way:
            await self._first()

    async def cancel(self) -> None:
        for task, _ in self._under_way:
            task.cancel()
        await asyncio.gather(*(task for task, _ in self._under_way), return_exceptions=True)

    async def _first(self) -> None:
        task, _ = self._under_way[0]
        await task
        self._under_way.popleft()

    async def _carry(self, prepared: Prepared, left: int, before: asyncio.Task[None] | None) -> None:
        await self._delivery.post(prepared)
        if before is not None:
            await before
        await self._delivery.settle(self._messages, left)


async def batches(
    adapter: Adapter, decode: Decode, messages: Sequence[Message], size: int
) -> AsyncIterator[tuple[list[Decoded], int]]:
    """What the messages say, in order, `size` at a time; with each batch how many messages are complete by its end."""
    batch: list[Decoded] = []
    for complete, message in enumerate(messages):
        items, ahead = _decoded(decode, message), list[Decoded]()
        slow = adapter.personal or len(message.body) > LARGE
        while True:
            room = size - len(batch)
            # one more than there is room for, to know whether the message ends with the batch
            ahead += await _part(items, slow, room + 1 - len(ahead))
            batch, ahead = batch + ahead[:room], ahead[room:]
            if not ahead:
                break
            yield batch, complete
            batch = []
        if len(batch) == size:
            yield batch, complete + 1
            batch = []
    if batch:
        yield batch, len(messages)


async def _part(items: Iterator[Decoded], slow: bool, size: int) -> list[Decoded]:
    if slow:
        return await asyncio.to_thread(lambda: list(islice(items, size)))
    return list(islice(items, size))


def _decoded(decode: Decode, message: Message) -> Iterator[Decoded]:
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
