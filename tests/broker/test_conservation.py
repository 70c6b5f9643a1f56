"""Nothing is lost: a sink that fails in every way, a broker and a database that are killed at any moment."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.store import migrate
from deploy.ports import next_free
from deploy.postgres import EmbeddedPostgres
from tests.broker.running import Running
from tests.broker.sink import Sink, Taken

V1 = "/ngsi-ld/v1"
ID = "urn:ngsi-ld:Subscription:1"
ENTITIES = 20
SECONDS = 24


async def faulty(_: Sink, __: Taken) -> int:
    """20 % 5xx, 10 % answers that come too late, 5 % resets."""
    chance = random.random()
    if chance < 0.20:
        return 503
    if chance < 0.30:
        await asyncio.sleep(0.8)  # the request was taken, but nobody knows
    return 0 if 0.30 <= chance < 0.35 else 200


@pytest.fixture
async def database(server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """A server of its own, to be killed."""
    own = EmbeddedPostgres(Path("data/killed"), next_free(15600))
    await asyncio.to_thread(own.start)
    yield own
    await asyncio.to_thread(own.stop)


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
    await asyncio.to_thread(lambda: asyncio.run(migrate.run(dsn)))
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
        kills = [asyncio.get_running_loop().time()]
        for victim in ("broker", "database", "broker", "database"):
            await asyncio.sleep(SECONDS / 4 * random.uniform(0.7, 1.0))
            kills.append(asyncio.get_running_loop().time())
            if victim == "broker":
                await broker.kill()
                await broker.start()
            else:
                kill(database)
                await asyncio.sleep(0.2)
                assert await asyncio.to_thread(database.start) == dsn
        done.set()
        acknowledged = await writing
        account = await drained(client, broker)
        check(sink, acknowledged, account, kills)


async def drained(client: httpx.AsyncClient, broker: Running) -> Any:
    """The account when nothing is pending any more and stays so."""
    async with asyncio.timeout(60):
        calm = 0
        while calm < 3:
            await asyncio.sleep(0.5)
            account = (await client.get(f"{broker.url}{V1}/subscriptions/{ID}/account")).json()
            calm = calm + 1 if account["pending"] == 0 else 0
    return account


def check(sink: Sink, acknowledged: dict[int, list[int]], account: Any, kills: list[float]) -> None:
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
    assert account["delivered"] == max(numbers)
    assert account["dead"] == 0
    # a notification that was taken in time is sent again only around a kill
    in_time = Counter(item.sequence for item in taken if item.in_time)
    again = [number for number, count in in_time.items() if count > 1]
    outside = [number for number in again if not near(number, taken, kills)]
    assert len(outside) <= len(numbers) * 0.01, f"{len(outside)} of {len(numbers)} told twice without need"


def near(number: int, taken: list[Taken], kills: list[float]) -> bool:
    return any(item.sequence == number and any(-3 < item.at - kill < 5 for kill in kills) for item in taken)
