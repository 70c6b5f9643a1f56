"""`make bench`: batch upserts and retrievals over HTTP against an embedded server in data/bench."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import orjson

from broker.store import migrate
from deploy.ports import next_free
from deploy.postgres import EmbeddedPostgres

_ROUNDS = 5
_BATCHES = 20


async def measure(base: str) -> None:
    """Prints the median of five rounds of each measurement."""
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        for _ in range(100):
            try:
                if (await client.get("/ready")).status_code == 200:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        upserts = [await _upserts(client, number) for number in range(_ROUNDS)]
        reads = [await _reads(client) for _ in range(_ROUNDS)]
    print(f"batch upsert, 100 entities x 10 attributes, 4 connections: {statistics.median(upserts):,.0f} entities/s")
    print(f"retrieve by id, 32 connections (client included): {statistics.median(reads):,.0f}/s")


async def _upserts(client: httpx.AsyncClient, number: int) -> float:
    def batch(place: int) -> list[dict[str, object]]:
        at = f"2026-06-{number + 1:02}T03:{place:02}:00Z"
        reading = {"type": "Property", "value": 12.5 + place, "unitCode": "GQ", "observedAt": at}
        attributes = {f"a{i}": reading for i in range(10)}
        return [{"id": f"urn:ngsi-ld:Air:{place % 4}-{i}", "type": "Air", **attributes} for i in range(100)]

    path = "/ngsi-ld/v1/entityOperations/upsert?options=update"
    bodies = [orjson.dumps(batch(place)) for place in range(_BATCHES)]  # the client's own work is not measured
    headers = {"Content-Type": "application/json"}
    begun = time.perf_counter()
    for start in range(0, _BATCHES, 4):
        answers = await asyncio.gather(
            *(client.post(path, content=body, headers=headers) for body in bodies[start : start + 4])
        )
        assert all(answer.status_code in (201, 204) for answer in answers), answers
    return 100 * _BATCHES / (time.perf_counter() - begun)


async def _reads(client: httpx.AsyncClient) -> float:
    async def some() -> None:
        for i in range(30):
            assert (await client.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:Air:0-{i}")).status_code == 200

    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(32)))
    return 32 * 30 / (time.perf_counter() - begun)


def main() -> None:
    with EmbeddedPostgres(Path("data/bench")) as dsn:
        asyncio.run(migrate.run(dsn))
        port = next_free(11026)
        environment = {**os.environ, "BROKER_DATABASE_URL": dsn, "BROKER_PORT": str(port)}
        broker = subprocess.Popen([sys.executable, "-m", "deploy.cli", "serve"], env=environment)
        try:
            asyncio.run(measure(f"http://127.0.0.1:{port}"))
        finally:
            broker.terminate()
            broker.wait()


if __name__ == "__main__":
    main()
