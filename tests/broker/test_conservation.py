"""Nothing is lost: a sink that fails in every way, a broker and a database that are killed at any moment."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from broker.store import migrate
from deploy.ports import next_free
from deploy.postgres import EmbeddedPostgres
from tests.broker.running import Running
from tests.broker.sink import Sink, Taken
from tests.ground import own

V1 = "/ngsi-ld/v1"
ID = "urn:ngsi-ld:Subscription:1"
ENTITIES = 20
SECONDS = 24
CALM = 10  # seconds of writing after the last kill
BEFORE, AFTER = 4.0, 2.0  # what was taken so long before a kill, or after all was back, may be told again

Window = tuple[float, float]


async def faulty(_: Sink, __: Taken) -> int:
    """20 % 5xx, 10 % answers that come too late, 5 % resets."""
    chance = random.random()
    if chance < 0.20:
        return 503
    if chance < 0.30:
        await asyncio.sleep(0.8)  # the request was taken, but nobody knows
    return 0 if 0.30 <= chance < 0.35 else 200


@pytest.fixture
async def database() -> AsyncIterator[EmbeddedPostgres]:
    """A server of its own, to be killed."""
    with own(Path("data/killed")) as folder:
        server = EmbeddedPostgres(folder, next_free(15600))
        await asyncio.to_thread(server.start)
        yield server
        await asyncio.to_thread(server.stop)


def kill(database: EmbeddedPostgres) -> None:
    running = database.running()
    if running is not None:
        os.kill(running.pid, signal.SIGKILL)


async def write(url: str, done: asyncio.Event) -> dict[int, list[int]]:
    """Values per entity that the broker acknowledged, each higher than the one before."""
    acknowledged: dict[int, list[int]] = {number: [] for number in range(ENTITIES)}
    value = 0
    async with httpx.AsyncClient(base_url=url + V1, timeout=5) as client:
        while not done.is_set():
            value += 1
            number = value % ENTITIES
            body = [{"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "a": value}]
            try:
                answer = await client.post("/entityOperations/upsert", json=body)
                if answer.status_code in (201, 204):
                    acknowledged[number].append(value)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.02)
    return acknowledged


async def test_every_change_arrives_whatever_dies(database: EmbeddedPostgres) -> None:
    dsn = await asyncio.to_thread(database.start)
    await migrate.run(dsn)
    settings = {"notification_retry": 0.05, "notification_retry_longest": 0.5, "notification_timeout": 0.5}
    async with Sink(faulty) as sink, Running(dsn, **settings) as broker, httpx.AsyncClient(timeout=5) as client:
        subscription = {
            "id": ID,
            "type": "Subscription",
            "entities": [{"type": "Room"}],
            "notification": {"endpoint": {"uri": sink.url}},
        }
        await client.delete(f"{broker.url}{V1}/subscriptions/{ID}")
        assert (await client.post(f"{broker.url}{V1}/subscriptions", json=subscription)).status_code == 201
        done = asyncio.Event()
        writing = asyncio.create_task(write(broker.url, done))
        loop = asyncio.get_running_loop()
        windows: list[Window] = []
        for victim in ("broker", "database", "broker", "database"):
            await asyncio.sleep(SECONDS / 4 * random.uniform(0.7, 1.0))
            killed = loop.time()
            if victim == "broker":
                await broker.kill()
                await broker.start()
            else:
                kill(database)
                await asyncio.sleep(0.2)
                assert await asyncio.to_thread(database.start) == dsn
                await broker.ready()
            windows.append((killed - BEFORE, loop.time() + AFTER))
        await asyncio.sleep(CALM)
        done.set()
        acknowledged = await writing
        account = await drained(client, broker)
        assert account["matched"] == await logged(dsn), "not every change in the log is accounted for"
        check(sink, acknowledged, account, windows)


async def logged(dsn: str) -> int:
    """How many changes the log has since there is the subscription: each writes another value, so each matches."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(
            await connection.fetchval(
                "select count(*) from log l join subscription s on s.tenant = l.tenant and l.seq > s.active_from"
                " where s.id = $1",
                ID,
            )
        )
    finally:
        await connection.close()


async def drained(client: httpx.AsyncClient, broker: Running) -> Any:
    """The account when nothing is pending any more and stays so."""
    async with asyncio.timeout(60):
        calm = 0
        while calm < 3:
            await asyncio.sleep(0.5)
            account = (await client.get(f"{broker.url}{V1}/subscriptions/{ID}/account")).json()
            calm = calm + 1 if account["pending"] == 0 else 0
    return account


def check(sink: Sink, acknowledged: dict[int, list[int]], account: Any, windows: list[Window]) -> None:
    taken = [item for item in sink.requests if item.status == 200]
    told: dict[int, list[int]] = {number: [] for number in range(ENTITIES)}
    for item in taken:
        (entity,) = item.data
        told[int(entity["id"].rpartition(":")[2])].append(entity["a"]["value"])
    for number, values in acknowledged.items():
        assert set(values) <= set(told[number]), "an acknowledged change was not told of"
        first = list(dict.fromkeys(told[number]))
        assert first == sorted(first), "changes of one entity came in another order"
    numbers = {item.sequence for item in taken}
    assert numbers == set(range(1, max(numbers) + 1)), "a gap in the numbers"
    ids: dict[int, set[str]] = {}
    for item in sink.requests:
        ids.setdefault(item.sequence, set()).add(item.body["id"])
    assert all(len(found) == 1 for found in ids.values()), "one notification with two ids"
    assert account["matched"] == account["delivered"] + account["pending"] + account["dead"] + account["coalesced"]
    assert account["delivered"] == account["matched"] == max(numbers)
    assert account["dead"] == account["pending"] == account["coalesced"] == 0
    # a notification that was taken in time is sent again only around a kill
    calm = [item for item in taken if item.in_time and not near(item, windows)]
    told_again = [number for number, count in Counter(item.sequence for item in calm).items() if count > 1]
    assert len(calm) > 50, "the calm was too short to tell"
    assert len(told_again) <= max(1, len(calm) * 0.01), f"{len(told_again)} of {len(calm)} told twice without need"


def near(item: Taken, windows: list[Window]) -> bool:
    return any(begin < item.at < end for begin, end in windows)
