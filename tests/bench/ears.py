"""`python -m tests.bench.ears [mqtt|decode|gps|squares [ROWS]]`: how fast the ears are, on this machine.

Everything runs here: database, broker, MQTT server, publisher and adapters share the cores.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from adapters.backfill import Journal, Progress, backfill
from adapters.contract import Message, Outcome
from adapters.delivery import Source
from adapters.observations import Observations
from adapters.registry import load
from adapters.runner import pump
from adapters.service import doors, spare_the_collector
from adapters.settings import AdapterSettings
from adapters.sources import bind, read
from adapters.surroundings import surroundings
from adapters.transports.mqtt import MqttSettings, subscribe
from tests.adapters.conftest import Mosquitto
from tests.bench.publisher import JST, PRESSURE, device
from tests.bench.stack import ROOT, BrokerProcess, count, stack

SOURCES = """
[[source]]
name = "bench"
adapter = "eltres"
settings = {{ devices = "{folder}/devices.csv" }}
via = {{ transport = "mqtt", topic = "bench/+" }}

[[source]]
name = "bikes"
adapter = "bike_gps"
owner = "bench"
[source.privacy]
legal_basis = "made up by the bench"
profile = "synthetic"
k = 10
restricted_tenant = "bikes"
"""


def settings(folder: Path, broker_url: str, mqtt_url: str = "mqtt://127.0.0.1:1883") -> AdapterSettings:
    folder.joinpath("sources.toml").write_text(SOURCES.format(folder=folder))
    return AdapterSettings(
        broker_url=broker_url, mqtt_url=mqtt_url, data=folder / "data", sources=folder / "sources.toml"
    )


def devices(folder: Path, many: int) -> None:
    head = (ROOT / "adapters/codecs/lpwa/devices.csv").read_text().splitlines()
    row = next(line for line in head if line.startswith("0001234ABD"))
    lines = [head[0], *(row.replace("0001234ABD", device(number)) for number in range(many))]
    folder.joinpath("devices.csv").write_text("\n".join(lines) + "\n")


async def timed(messages: AsyncIterator[Message], waits: list[int]) -> AsyncIterator[Message]:
    """The messages; as each is settled, `waits` gets the nanoseconds since its publication."""
    async for message in messages:
        published = int(message.body.rsplit(b":", 1)[1][:-1])

        async def settle(outcome: Outcome, published: int = published, acknowledge: object = message.settle) -> None:
            waits.append(time.monotonic_ns() - published)
            await acknowledge(outcome)  # type: ignore[operator]

        yield replace(message, settle=settle)


async def mqtt(dsn: str, broker: BrokerProcess, server: Mosquitto, folder: Path, rate: int, seconds: int) -> None:
    """From publication to the broker's answer, which comes after the commit."""
    many = rate
    devices(folder, many)
    chosen = settings(folder, broker.url, server.url)
    declaration = next(each for each in read(chosen) if each.name == "bench")
    source = bind(declaration, surroundings(chosen))
    waits: list[int] = []
    messages = subscribe(MqttSettings(topic=f"bench{rate}/+"), server.url, f"bench-{rate}")
    before = await count(dsn, "WeatherObserved", "atmosphericPressure")
    async with doors(chosen) as opened:
        running = asyncio.create_task(pump(replace(source, transport=lambda: timed(messages, waits)), opened))
        await asyncio.sleep(1)
        begun = time.perf_counter()
        arguments = [str(server.port), str(rate), str(seconds), str(many), f"bench{rate}"]
        publisher = subprocess.Popen([sys.executable, "-m", "tests.bench.publisher", *arguments])  # noqa: ASYNC220
        while publisher.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        published = time.perf_counter() - begun
        total = rate * seconds
        async with asyncio.timeout(60):
            while len(waits) < total:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        drained = time.perf_counter() - begun - published
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    stored = await count(dsn, "WeatherObserved", "atmosphericPressure") - before
    warm = sorted(waits[rate * 2 :])  # the first two seconds make the entities
    p50, p99 = (warm[int(len(warm) * share)] / 1e6 for share in (0.5, 0.99))
    print(
        f"MQTT {rate}/s for {seconds} s (published in {published:.1f} s, drained {drained:.2f} s later): "
        f"{stored} of {total} readings stored; publication to commit p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )


def decode() -> None:
    """Decoders alone, to entities as they are posted."""
    folder = Path(tempfile.mkdtemp())
    devices(folder, 100)
    adapter = load("eltres")
    frames = adapter.decoder(adapter.settings(devices=folder / "devices.csv"), None)  # type: ignore[call-arg,arg-type]
    body = orjson.dumps({"deviceId": device(7), "sendDateTime": "2026-06-19 12:00:00", "payload": PRESSURE})
    message = Message(body, datetime.now(UTC), "bench/7")
    begun = time.process_time()
    for _ in range(20_000):
        for item in frames(message):
            item.to_ngsi()  # type: ignore[union-attr]
    print(f"ELTRES frames decoded: {20_000 / (time.process_time() - begun):,.0f}/s")


def bikes(path: Path, rows: int, fleet: int = 500) -> None:
    """A day of a fleet, every ten seconds in the order of time; half of the bikes are ridden at any time."""
    head = (ROOT / "adapters/demo/recordings/vehicle_export.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    start = datetime(2026, 6, 18, 15, tzinfo=UTC).astimezone(JST)
    with path.open("w", encoding="utf-8") as file:
        file.write(head + "\n")
        for tick in range(rows // fleet):
            at = (start + timedelta(seconds=10 * tick)).strftime("%Y-%m-%d %H:%M:%S")
            lines = []
            for bike in range(fleet):
                turn = (tick + bike * 7) % 240  # twenty minutes on, twenty off
                if turn < 120:
                    east, north = 136.60 + bike % 25 * 0.004 + turn * 0.0003, 36.52 + bike // 25 * 0.005
                    lines.append(f"KNZ,KNZ{bike:04},利用中,,,0,0,25.4,{at},{north:.5f},{east:.5f},{at},7.2,10.8,90,9\n")
                else:
                    place = f"36.{57800 + bike},136.64800"
                    lines.append(f"KNZ,KNZ{bike:04},利用可能,P,00089032,{place},25.4,{at},0,0,,,,,\n")
            file.writelines(lines)


async def gps(dsn: str, broker: BrokerProcess, folder: Path, rows: int, raw: bool) -> None:
    """A day of 500 bikes, from the file to what is committed: counts and flows, and with `raw` the tracks."""
    path = folder / "day.csv"
    bikes(path, rows)
    chosen = settings(folder, broker.url)
    devices(folder, 1)
    declaration = next(each for each in read(chosen) if each.name == "bikes")
    source: Source = bind(declaration, surroundings(chosen))
    source = source if raw else replace(source, restricted_tenant="")
    begun = time.perf_counter()

    def tell(progress: Progress) -> None:
        seconds = time.perf_counter() - begun
        share = progress.done / progress.total
        print(f"\r{share:4.0%} {share * rows / seconds:,.0f} rows/s ", end="", file=sys.stderr, flush=True)

    os.environ["BROKER_DATABASE_URL"] = dsn
    copied = Observations("bikes", folder / "copy") if raw else None
    async with doors(chosen) as opened:
        done = await backfill(source, replace(opened, batch=1000), [path], Journal(folder / "journal"), tell, copied)
    seconds = time.perf_counter() - begun
    stored = await count(dsn, "Vehicle", "location")
    print(
        f"\nbackfill of {rows:,} positions: {seconds:.0f} s, {rows / seconds:,.0f} rows/s; {done.entities:,} entities,"
        f" {stored:,} locations in the restricted tenant; 4.32 M would take {4_320_000 / rows * seconds:.0f} s"
    )


def main(what: list[str]) -> None:
    spare_the_collector()
    folder = Path(tempfile.mkdtemp(prefix="ears-"))
    os.chmod(folder, 0o755)
    if not what or "decode" in what:
        decode()
    if what == ["decode"]:
        return
    server = Mosquitto(folder / "mosquitto")
    with stack(Path("data/bench-ears")) as (dsn, broker):
        server.start()
        try:
            if not what or "mqtt" in what:
                asyncio.run(mqtt(dsn, broker, server, folder, 500, 20))
                asyncio.run(mqtt(dsn, broker, server, folder, 2000, 20))
            rows = int(what[-1]) if what and what[-1].isdigit() else 4_320_000
            if "squares" in what:
                asyncio.run(gps(dsn, broker, folder, rows, raw=False))
            if not what or "gps" in what:
                asyncio.run(gps(dsn, broker, folder, rows, raw=True))
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
