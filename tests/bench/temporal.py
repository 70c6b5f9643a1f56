"""History: ingest, questions raw and from roll-ups, time travel, disk. Readings are laid down by SQL, the rest by HTTP.

BENCH_STATIONS stations have a reading an hour for a year; BENCH_PLACES entities are travelled back to.
"""

import asyncio
import os
import time
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import httpx
import orjson

from tests.bench.ground import Ground, ground
from tests.bench.load import load, request

_V1: Final = "/ngsi-ld/v1"
_STATIONS: Final = int(os.environ.get("BENCH_STATIONS", "1000"))
_PLACES: Final = int(os.environ.get("BENCH_PLACES", "100000"))
_ONE, _MANY = "urn:ngsi-ld:One:0", "urn:ngsi-ld:Many:0"
_READINGS: Final = """
insert into history (entity, attribute, dataset, at, observed, created_at, modified_at, type, form, number)
select e.no, t.no, 0, '{start}'::timestamptz + i * interval '{step}', true, now(), now(), 0, 'f',
       round((random() * 30)::numeric, 1)
from entity e cross join term t cross join generate_series(0, {count} - 1) i
where e.types @> array['https://uri.etsi.org/ngsi-ld/default-context/{kind}']
  and t.iri = 'https://uri.etsi.org/ngsi-ld/default-context/t'
"""
_SERIES: Final = (
    {"kind": "One", "start": "2025-01-01Z", "step": "1 minute", "count": 100_000},
    {"kind": "Many", "start": "2024-06-01Z", "step": "1 minute", "count": 1_000_000},
    {"kind": "Station", "start": "2025-01-01Z", "step": "1 hour", "count": 24 * 365},
)


async def measure(seconds: float) -> None:
    """Prints a line for each figure; `seconds` is how long each question is asked."""
    async with ground(BROKER_UPKEEP_PAUSE="2", BROKER_STATEMENT_TIMEOUT="60") as under, _client(under) as client:
        await _ingest(under, seconds)
        await _lay(under, client)
        await _ask(under, seconds, "readings")
        await _travel(under, client, seconds)
        await _roll_up(under, client)
        await _ask(under, seconds, "roll-ups")


def _client(under: Ground) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=under.base + _V1, timeout=300)


async def _ingest(under: Ground, seconds: float) -> None:
    def batch(number: int) -> bytes:
        at = f"2026-06-{1 + number // 1440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
        reading = {"type": "Property", "value": 12.5 + number, "unitCode": "GQ", "observedAt": at}
        air = {"type": "Air", **{f"a{place}": reading for place in range(10)}}
        return orjson.dumps([{"id": f"urn:ngsi-ld:Air:{number % 4}-{place}", **air} for place in range(100)])

    bodies = [request("POST", f"{_V1}/entityOperations/upsert?options=update", batch(number)) for number in range(400)]
    result = await load(under.base, lambda number: bodies[number % len(bodies)], connections=4, seconds=seconds)
    print(f"ingest with history: {result.rate * 1000:,.0f} attribute instances/s")


async def _lay(under: Ground, client: httpx.AsyncClient) -> None:
    point = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.6, 36.5]}}
    for kind, count in (("One", 1), ("Many", 1), ("Station", _STATIONS), ("Place", _PLACES)):
        for start in range(0, count, 1000):
            body = [
                {
                    "id": f"urn:ngsi-ld:{kind}:{i}",
                    "type": kind,
                    "t": i,
                    "u": i,
                    "name": f"{kind} {i}",
                    "location": point,
                }
                for i in range(start, min(start + 1000, count))
            ]
            (await client.post("/entityOperations/upsert", json=body)).raise_for_status()
    connection = await asyncpg.connect(under.dsn)
    before = await _size(connection)
    begun = time.perf_counter()
    for series in _SERIES:
        await connection.execute(_READINGS.format(**series))
    size, count = (one - other for one, other in zip(await _size(connection), before, strict=True))
    print(f"{count:,} readings laid in {time.perf_counter() - begun:.0f} s")
    print(f"disk: {size / count:.0f} bytes per reading, indexes included")
    await connection.execute("vacuum analyze history")
    await connection.close()


async def _size(connection: asyncpg.Connection) -> tuple[int, int]:
    row = await connection.fetchrow(
        "select hypertable_size('history') as size, (select count(*) from history) as count"
    )
    return row["size"], row["count"]


def _get(path: str, **params: Any) -> bytes:
    return request("GET", f"{_V1}{path}?{urlencode(params)}")


async def _ask(under: Ground, seconds: float, what: str) -> None:
    year = {"timerel": "after", "timeAt": "2025-01-01T00:00:00Z", "pick": "t", "options": "aggregatedValues"}
    month = {**year, "timerel": "between", "endTimeAt": "2025-02-01T00:00:00Z", "aggrMethods": "avg"}
    hourly = _get(f"/temporal/entities/{_ONE}", aggrMethods="avg", aggrPeriodDuration="PT1H", **year)
    daily = _get("/temporal/entities", type="Station", limit=1000, aggrPeriodDuration="P1D", **month)
    if what == "readings":
        last = _get(f"/temporal/entities/{_MANY}", lastN=100, pick="t")
        for connections in (1, 8):
            print(f"last 100 of 1,000,000, {connections} connections:", await _run(under, last, connections, seconds))
    print(f"hourly averages of 100,000 readings, {what}:", await _run(under, hourly, 1, seconds))
    print(f"daily averages of {_STATIONS} stations, a month of a year, {what}:", await _run(under, daily, 1, seconds))


async def _travel(under: Ground, client: httpx.AsyncClient, seconds: float) -> None:
    instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    plain = {"type": "Place", "limit": 100, "asOf": instant}
    found = await client.get("/entities", params=plain)
    assert len(found.json()) == 100, found.text
    print(f"asOf, {_PLACES:,} entities, limit 100:", await _run(under, _get("/entities", **plain), 1, seconds))
    asked = _get("/entities", **plain, q="t>=500")
    print(f"asOf with q, {_PLACES:,} entities, limit 100:", await _run(under, asked, 1, seconds))


async def _run(under: Ground, asked: bytes, connections: int, seconds: float) -> str:
    return str(await load(under.base, lambda _: asked, connections=connections, seconds=seconds))


async def _roll_up(under: Ground, client: httpx.AsyncClient) -> None:
    connection = await asyncpg.connect(under.dsn)
    begun = time.perf_counter()
    for kind in ("One", "Station"):
        policy = {"rollups": {"PT1H": None, "P1D": None}}
        (await client.put(f"{under.base}/admin/policies/{kind}", json=policy)).raise_for_status()
    for left in (
        "select count(*) <= $1 from rollup_entity where ready",
        "select $1 >= 0 and exists (select from rollup_due)",
    ):
        while await connection.fetchval(left, _STATIONS):  # noqa: ASYNC110  another process
            await asyncio.sleep(0.5)
    print(f"roll-ups of {_STATIONS} stations and a year in {time.perf_counter() - begun:.0f} s")
    await connection.execute("vacuum analyze rollup")
    await connection.close()
