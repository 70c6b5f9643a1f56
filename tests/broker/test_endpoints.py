"""Endpoints that fail, are slow or away; brokers that restart; subscriptions that pause, expire and end."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from broker.log.reader import Reader
from broker.store.dispatch import Leader
from broker.subscriptions import dispatcher, subscriber
from ngsi.event import Event
from tests.broker.running import inside
from tests.broker.sink import Sink, Taken, until
from tests.broker.subscribing import ID, account, create, room, set_to, subscribe, told


@pytest.fixture
def client(notifying: httpx.AsyncClient) -> httpx.AsyncClient:
    return notifying


async def test_a_failing_endpoint_gets_everything_in_order_when_it_is_back(
    client: httpx.AsyncClient, sink: Sink
) -> None:
    await subscribe(client, sink)
    await create(client, a=0)
    await sink.wait(1)
    await sink.stop()
    for value in range(1, 30):
        await set_to(client, a=value)
    assert (await told(client, status="failed"))["timesFailed"] >= 1
    await sink.start()
    taken = await sink.wait(30)
    assert [item.data[0]["a"]["value"] for item in taken] == list(range(30))
    assert [item.sequence for item in taken] == list(range(1, 31))
    await told(client, status="ok")


async def test_a_dead_endpoint_is_probed_though_its_oldest_notification_has_not_had_its_turn(
    client: httpx.AsyncClient, sink: Sink
) -> None:
    taken, refused = asyncio.Event(), asyncio.Event()

    async def answer(_: Sink, request: Taken) -> int:
        if refused.is_set():
            return 200
        if request.sequence == 1:
            await taken.wait()
            return 200
        await refused.wait()
        return 503

    sink.answer = answer
    await subscribe(client, sink, notification={"endpoint": {"timeout": 30_000}})
    await create(client, a=1)
    await set_to(client, a=2)  # waits for the one before, and then for one of the eight requests under way to end
    for number in range(2, 10):
        await client.post("/entities", json=room(number, a=1))
    await until(lambda: len(sink.requests) == 8)
    await account(client, pending=10)
    taken.set()
    await until(lambda: len(sink.requests) == 9)
    refused.set()
    assert {item.sequence for item in await sink.wait(10)} == set(range(1, 11))


async def test_what_is_let_go_while_the_log_is_being_read_is_read_again(
    client: httpx.AsyncClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (dispatcher, subscriber):
        monkeypatch.setattr(module, "FULL", 8)
    window = Reader.window
    written, reading, down = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(self: Reader, until: int | None = None) -> list[Event]:
        events = await window(self, until)
        if until is not None and events and events[0].id.endswith(":10"):
            reading.set()
            await down.wait()
        return events

    async def answer(sink: Sink, request: Taken) -> int:
        await (written if request.sequence <= 5 else reading).wait()
        refused = sum(item.status == 503 for item in sink.requests)
        return 200 if request.sequence <= 5 or refused >= 4 else 503

    monkeypatch.setattr(Reader, "window", slow)
    sink.answer = answer
    await subscribe(client, sink, notification={"endpoint": {"timeout": 30_000}})
    for number in range(1, 10):
        await client.post("/entities", json=room(number, a=1))
    for value in range(2, 5):
        await set_to(client, 9, a=value)  # they wait in memory for the one before, and are let go
    for number in range(10, 20):
        await client.post("/entities", json=room(number, a=1))
    written.set()
    await until(lambda: [item for item in sink.taken if item.sequence > 5])
    down.set()
    taken = await sink.wait(22)
    assert {item.sequence for item in taken} == set(range(1, 23))
    ninth = [item.data[0]["a"]["value"] for item in taken if item.data[0]["id"].endswith(":9")]
    assert ninth == [1, 2, 3, 4]


async def test_a_slow_endpoint_delays_nobody_else(client: httpx.AsyncClient, sink: Sink) -> None:
    async def hang(_: Sink, __: Taken) -> int:
        await asyncio.sleep(60)
        return 200

    async with Sink(hang) as slow:
        await subscribe(client, slow)
        await subscribe(client, sink, id="urn:ngsi-ld:Subscription:2")
        for value in range(20):
            await client.post("/entities", json=room(value, a=value))
        await sink.wait(20, 2)
        await until(lambda: slow.requests)


async def test_a_restarted_broker_goes_on_where_the_last_one_was(dsn: str, sink: Sink) -> None:
    for start in (0, 10, 20):
        async with inside(dsn, remote_allow="127.0.0.0/8", notification_retry=0.05) as client:
            if not start:
                await subscribe(client, sink)
            for number in range(start, start + 10):  # the last ones are still on their way when the broker ends
                await client.post("/entities", json=room(number, a=number))
            if start == 20:
                await until(lambda: {item.sequence for item in sink.taken} == set(range(1, 31)))
    assert len({item.body["id"] for item in sink.taken}) == 30


async def test_what_a_save_that_is_cut_off_knew_is_saved_at_the_end(
    dsn: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, cut = Leader.save, asyncio.Event()

    async def cut_off(leader: Leader, states: Any, *more: Any) -> None:
        if states and len(sink.taken) == 5 and not cut.is_set():
            cut.set()
            raise asyncio.CancelledError
        await save(leader, states, *more)

    monkeypatch.setattr(Leader, "save", cut_off)
    for start in (0, 5):
        async with inside(dsn, remote_allow="127.0.0.0/8", notification_retry=0.05) as client:
            if not start:
                await subscribe(client, sink)
            for number in range(start, start + 5):
                await client.post("/entities", json=room(number, a=number))
            await sink.wait(start + 5)
            await cut.wait()
    assert sorted(item.sequence for item in sink.taken) == list(range(1, 11))


async def test_a_paused_subscription_is_silent_and_goes_on_from_now(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink)
    await create(client, a=0)
    await sink.wait(1)
    await client.patch(f"/subscriptions/{ID}", json={"isActive": False})
    await set_to(client, a=1)
    await asyncio.sleep(0.3)
    await client.patch(f"/subscriptions/{ID}", json={"isActive": True})
    await set_to(client, a=2)
    await sink.wait(2)
    taken = await sink.quiet()
    assert [item.data[0]["a"]["value"] for item in taken] == [0, 2]
    assert [item.sequence for item in taken] == [1, 2]


async def test_an_expired_subscription_is_silent(client: httpx.AsyncClient, sink: Sink, dsn: str) -> None:
    await subscribe(client, sink)
    await create(client, a=0)
    await sink.wait(1)
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "update subscription set document = jsonb_set(document, '{expiresAt}', '\"2020-01-01T00:00:00Z\"')"
    )
    await connection.execute("select pg_notify('subscription', no::text) from subscription")
    await connection.close()
    await asyncio.sleep(0.3)
    await set_to(client, a=1)
    assert len(await sink.quiet()) == 1
    assert (await client.get(f"/subscriptions/{ID}")).json()["status"] == "expired"


async def test_a_deleted_subscription_is_silent(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink)
    await create(client, a=0)
    await sink.wait(1)
    await client.delete(f"/subscriptions/{ID}")
    await asyncio.sleep(0.2)
    await set_to(client, a=1)
    assert len(await sink.quiet(0.2)) == 1


async def test_a_private_address_is_not_reached_unless_it_is_allowed(dsn: str, sink: Sink) -> None:
    async with inside(dsn, notification_retry=0.05) as client:
        for number, host in enumerate(("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]")):
            uri = f"http://{host}:{sink.port}/"
            await subscribe(client, sink, id=f"{ID}{number}", notification={"endpoint": {"uri": uri}})
        await create(client, a=0)
        await asyncio.sleep(0.5)
        for number in range(5):
            found = (await client.get(f"/subscriptions/{ID}{number}")).json()["notification"]
            assert found["status"] == "failed", found
    assert not sink.requests
