"""Gateways send without pause while the broker, the database or the adapters die: nothing is lost, nothing is doubled.

Every part is real and a process of its own: Mosquitto, adapters, broker, PostgreSQL.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import aiomqtt
import asyncpg
import httpx
import orjson
import pytest

from tests.adapters.conftest import Mosquitto
from tests.bench.publisher import PRESSURE
from tests.bench.stack import Stack, free_port
from tests.ground import own

FRAMES, PUSHES = 600, 120
PROBE, ALL = 10_000, FRAMES + PUSHES + 1
SOURCES = """
[[source]]
name = "{name}-mqtt"
adapter = "eltres"
settings = {{ devices = "{folder}/devices.csv" }}
via = {{ transport = "mqtt", topic = "{name}/+" }}

[[source]]
name = "{name}-push"
adapter = "eltres"
settings = {{ devices = "{folder}/devices.csv" }}
via = {{ transport = "webhook", path = "push", patience = 3.0 }}
"""
TABLE = "terminalId,type,code,name,latitude,longitude,layout,controlledProperty,fields\n"
STORED = """
select e.id, h.at, count(*) as times from history h join entity e on e.no = h.entity join term t on t.no = h.attribute
where e.id like $1 and t.iri like '%/atmosphericPressure' and not h.deleted group by e.id, h.at
"""


@pytest.fixture(scope="module")
def city() -> Iterator[Stack]:
    with own(Path("data/test-ears")) as folder:
        stack = Stack(folder)
        yield stack
        stack.close()


class Adapters:
    """The adapters' process of one test."""

    def __init__(self, name: str, folder: Path, city: Stack, mosquitto: Mosquitto) -> None:
        self.name, self.port = name, free_port()
        rows = [f"{terminal(name, n)},WeatherObserved,{name}-{n},,36.5757,136.6746,clip,," for n in range(10)]
        (folder / "devices.csv").write_text(TABLE + "\n".join(rows) + "\n")
        (folder / "sources.toml").write_text(SOURCES.format(name=name, folder=folder))
        self._environment = os.environ | {
            "ADAPTERS_BROKER_URL": city.broker.url,
            "ADAPTERS_MQTT_URL": mosquitto.url,
            "ADAPTERS_DATA": str(folder / "data"),
            "ADAPTERS_SOURCES": str(folder / "sources.toml"),
            "ADAPTERS_WEBHOOK_PORT": str(self.port),
            "ADAPTERS_METRICS_PORT": "0",
            "ADAPTERS_SPOOL_AFTER": "0.5",
            "ADAPTERS_TIMEOUT": "5",
        }
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen([sys.executable, "-m", "adapters", "adapters", "run"], env=self._environment)
        return self.process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def terminal(name: str, number: int) -> str:
    return f"{sum(name.encode()) * 16 + number:010X}"


def frame(name: str, number: int) -> bytes:
    sent = datetime(2026, 6, 1, 9) + timedelta(seconds=number)
    told = {"deviceId": terminal(name, number % 10), "sendDateTime": str(sent), "payload": PRESSURE}
    return orjson.dumps(told)


async def publish(mosquitto: Mosquitto, name: str) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for number in range(FRAMES):
            await client.publish(f"{name}/gateway", frame(name, number), qos=1)
            await asyncio.sleep(0.01)


async def push(port: int, name: str) -> None:
    """As a gateway does: in order, and again until it was taken."""
    async with httpx.AsyncClient(timeout=6) as client:
        for number in range(FRAMES, FRAMES + PUSHES):
            while True:
                try:
                    if (
                        await client.post(f"http://127.0.0.1:{port}/push/push", content=frame(name, number))
                    ).is_success:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.05)


async def broker_away(city: Stack, adapters: Adapters) -> None:
    city.broker.kill()
    await asyncio.sleep(3)
    await asyncio.to_thread(city.broker.start)


async def database_restarts(city: Stack, adapters: Adapters) -> None:
    # In this thread: the server ends with the thread that started it.
    city.postgres.stop()
    await asyncio.sleep(2)
    city.postgres.start()


async def adapters_die(city: Stack, adapters: Adapters) -> None:
    for _ in range(2):
        adapters.kill()
        adapters.start()
        await asyncio.sleep(2)


async def adapters_die_while_the_broker_is_away(city: Stack, adapters: Adapters) -> None:
    city.broker.kill()
    await asyncio.sleep(2)
    adapters.kill()
    adapters.start()
    await asyncio.sleep(2)
    await asyncio.to_thread(city.broker.start)


Disaster = Callable[[Stack, Adapters], Awaitable[None]]


@pytest.mark.parametrize(
    "disaster", [broker_away, database_restarts, adapters_die, adapters_die_while_the_broker_is_away]
)
async def test_nothing_is_lost_and_nothing_is_doubled(
    city: Stack, mosquitto: Mosquitto, tmp_path: Path, disaster: Disaster
) -> None:
    name = disaster.__name__.replace("_", "")
    adapters = Adapters(name, tmp_path, city, mosquitto)

    async def stored() -> list[asyncpg.Record]:
        try:
            connection = await asyncpg.connect(city.dsn)
        except (OSError, asyncpg.PostgresError):
            return []
        try:
            return list(await connection.fetch(STORED, f"urn:ngsi-ld:WeatherObserved:eltres:{name}-%"))
        finally:
            await connection.close()

    try:
        async with asyncio.timeout(30), aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            while not await stored():  # until the subscription is in force
                await client.publish(f"{name}/gateway", frame(name, PROBE), qos=1)
                await asyncio.sleep(0.2)
        async with asyncio.TaskGroup() as group:
            group.create_task(publish(mosquitto, name))
            group.create_task(push(adapters.port, name))
            await asyncio.sleep(1.5)
            await disaster(city, adapters)
        async with asyncio.timeout(60):
            while len(rows := await stored()) < ALL:  # noqa: ASYNC110 (the database wakes nobody)
                await asyncio.sleep(0.5)
        assert len(rows) == ALL
        assert {row["times"] for row in rows} == {1}
        assert len({row["at"] for row in rows}) == ALL
        async with httpx.AsyncClient() as client:
            quarantined = (await client.get(f"{city.broker.url}/admin/quarantine")).json()
        assert not [record for record in quarantined if record["source"].startswith(name)]
    finally:
        adapters.kill()
