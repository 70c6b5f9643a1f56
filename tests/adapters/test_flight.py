"""Batches that travel together: never two with the same entity, and messages are settled in their order."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.contract import Adapter, Message, Outcome, SourceSettings
from adapters.delivery import Broker, Source, deliver
from adapters.quarantine import Quarantine
from adapters.sink import BrokerAway, Rejected, Sink
from models import Device, Model


class Road(Sink):
    """A sink whose posts take as long as the test says."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__(client, "http://broker")
        self.doors: dict[str, asyncio.Event] = {}
        self.begun: list[list[str]] = []
        self.lost = ""

    async def post(
        self, entities: Sequence[Mapping[str, Any]], tenant: str = "", patience: float = 0
    ) -> list[Rejected]:
        ids = [entity["id"] for entity in entities]
        self.begun.append(ids)
        if self.lost in ids:
            raise BrokerAway("gone")
        await self.doors.setdefault(ids[0], asyncio.Event()).wait()
        return []

    def let(self, entity_id: str) -> None:
        self.doors.setdefault(entity_id, asyncio.Event()).set()


def devices(message: Message) -> Iterator[Model]:
    for name in message.body.decode().split():
        yield Device(id=name, observed_at=message.received_at)


@pytest.fixture
def settled() -> list[str]:
    return []


def message(body: str, settled: list[str]) -> Message:
    async def settle(outcome: Outcome) -> None:
        settled.append(body)

    return Message(body.encode(), datetime.now(UTC), settle=settle)


async def carried(road: Road, messages: list[Message]) -> asyncio.Task[None]:
    adapter = Adapter("test", "file", SourceSettings, lambda settings, privacy: devices)
    source = Source("test", adapter, lambda: None, devices)  # type: ignore[arg-type, return-value]
    broker = Broker(road, Quarantine(httpx.AsyncClient(), "http://broker"), batch=2)
    task = asyncio.create_task(deliver(source, broker, messages))
    await asyncio.sleep(0.05)
    return task


async def test_a_batch_waits_for_the_one_that_holds_its_entity(settled: list[str]) -> None:
    async with httpx.AsyncClient() as client:
        road = Road(client)
        task = await carried(road, [message(body, settled) for body in ("a b", "c d", "e a", "f g")])
        assert road.begun == [["a", "b"], ["c", "d"]], "the third holds a, which is still on its way"
        road.let("c")
        await asyncio.sleep(0.05)
        assert settled == [], "what came before is not committed yet"
        road.let("a")
        await asyncio.sleep(0.05)
        assert settled == ["a b", "c d"]
        assert road.begun[2:] == [["e", "a"], ["f", "g"]]
        for each in "ef":
            road.let(each)
        await task
        assert settled == ["a b", "c d", "e a", "f g"]


async def test_what_follows_a_lost_batch_is_not_settled(settled: list[str]) -> None:
    async with httpx.AsyncClient() as client:
        road = Road(client)
        road.lost = "c"
        messages = [message(body, settled) for body in ("a b", "c d", "e f")]
        road.let("a")
        road.let("e")
        task = await carried(road, messages)
        with pytest.raises(BrokerAway):
            await task
        assert settled == ["a b"]
        assert [each.body for each in messages] == [b"c d", b"e f"], "these go to the spool, or come again"
