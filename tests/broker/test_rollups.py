"""Roll-ups give the numbers that readings give, after late data, corrections, deletions and kill -9."""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

from broker.settings import Settings
from broker.store import chunks, rollups
from broker.store.db import Database
from broker.upkeep import Upkeep
from ngsi import times
from tests.broker.rolling import EVERY_LEVEL, METHODS, NOW, PATH, POLICIES, START, aggregated, provide, reading

QUESTIONS = [
    ("P1D", START, NOW, {}),
    ("PT1H", START + timedelta(days=10), START + timedelta(days=20), {}),
    ("PT10M", START, START + timedelta(days=3, minutes=7), {}),
    ("P1M", START, NOW + timedelta(days=1), {}),
    ("P1D", START + timedelta(hours=5), NOW, {"aggrTimezone": "Asia/Tokyo"}),
    ("P1M", START + timedelta(hours=5, seconds=3), NOW, {"aggrTimezone": "Asia/Tokyo"}),
    ("PT0S", START, NOW, {}),
    ("PT45M", START, START + timedelta(days=3), {}),
    ("P1W", START, None, {}),
]


async def answers(client: httpx.AsyncClient) -> list[Any]:
    return [await aggregated(client, duration, start, end, **more) for duration, start, end, more in QUESTIONS]


def same(found: list[Any], wanted: list[Any]) -> None:
    for one, other, question in zip(found, wanted, QUESTIONS, strict=True):
        for method in METHODS:
            assert [row[1:] for row in one[method]] == [row[1:] for row in other[method]], question
            values = [row[0] for row in other[method]]
            assert [row[0] for row in one[method]] == pytest.approx(values, rel=1e-9, abs=1e-6), (method, question)


async def without_rollups(client: httpx.AsyncClient, database: Database) -> list[Any]:
    """The same answers from readings alone: no entity counts as rolled up meanwhile."""
    await database.writers.execute("update rollup_entity set ready = false")
    raw = await answers(client)
    await database.writers.execute("update rollup_entity set ready = true")
    return raw


async def test_rollups_equal_readings_whatever_happens(client: httpx.AsyncClient, database: Database) -> None:
    chance = random.Random(4)

    def some(count: int) -> list[dict[str, Any]]:
        moments = [START + timedelta(minutes=chance.randrange(60 * 24 * 111)) for _ in range(count)]
        return [reading(chance.choice([chance.gauss(20, 5), chance.randrange(40)]), at) for at in moments]

    await provide(client, *some(1500))
    assert (await client.put(f"{POLICIES}/Station", json={"raw": None, "rollups": EVERY_LEVEL})).status_code == 201
    assert await rollups.refresh(database, NOW) > 100
    assert await database.readers.fetchval("select count(distinct seconds) from rollup") == 3
    before = await without_rollups(client, database)
    same(await answers(client), before)
    for turn in range(3):
        await provide(client, *some(30))  # late
        instances = (await client.get(PATH, params={"pick": "t"})).json()["t"]
        for item in chance.sample(instances, 12):
            target = f"{PATH}/attrs/t/{item['instanceId']}"
            if chance.random() < 0.5:
                assert (await client.delete(target)).status_code == 204
            else:
                changed = {**some(1)[0], **({} if chance.random() < 0.5 else {"observedAt": item["observedAt"]})}
                assert (await client.patch(target, json={"t": [changed]})).status_code == 204
        raw = await without_rollups(client, database)
        assert raw != before
        same(await answers(client), raw)  # told as due, not yet computed
        if turn == 1:
            await rollups.refresh(database, NOW + timedelta(days=turn))
        same(await answers(client), raw)
    await rollups.refresh(database, NOW + timedelta(days=5))
    same(await answers(client), await without_rollups(client, database))
    await database.writers.execute("update rollup set sum = sum + 1000")
    assert (await answers(client))[0]["sum"] != raw[0]["sum"]  # it is the roll-ups that answer
    assert (await client.delete(f"{PATH}/attrs/t")).status_code == 204
    assert await database.readers.fetchval("select count(*) from rollup") == 0


async def test_readings_go_and_rollups_stay(client: httpx.AsyncClient, database: Database) -> None:
    every = [reading(number % 7, START + timedelta(hours=number)) for number in range(24 * 100)]
    await provide(client, *every)
    await client.put(f"{POLICIES}/Station", json={"raw": 30, "rollups": {"PT1H": 60, "P1D": None}})
    await rollups.retain(database, NOW)  # not before the roll-ups are there
    assert await database.readers.fetchval("select count(*) from history") == len(every)
    await rollups.refresh(database, NOW)
    daily = await aggregated(client, "P1D", START, NOW)
    hourly = await aggregated(client, "PT1H", NOW.replace(hour=0) - timedelta(days=50), NOW)
    await rollups.retain(database, NOW)
    left = await database.readers.fetchval("select count(*) from history")
    assert 0 < left < len(every) / 3
    assert await aggregated(client, "P1D", START, NOW) == daily
    assert await aggregated(client, "PT1H", NOW.replace(hour=0) - timedelta(days=50), NOW) == hourly
    params = {
        "options": "aggregatedValues",
        "aggrPeriodDuration": "P1D",
        "timerel": "after",
        "timeAt": times.text(START),
    }
    lost = await client.get(PATH, params={**params, "aggrMethods": "distinctCount"})
    assert (lost.status_code, lost.json()["type"].rpartition("/")[2]) == (400, "InvalidRequest")
    await provide(client, reading(1000, START + timedelta(days=1)))  # too late: it changes no roll-up
    await rollups.refresh(database, NOW)
    assert await aggregated(client, "P1D", START, NOW) == daily


async def test_values_that_rollups_do_not_hold_are_read_or_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    times_of_day = [{"@type": "Time", "@value": f"{hour:02}:00:00Z"} for hour in range(24)]
    await provide(client, *(reading(times_of_day[day % 24], START + timedelta(days=day)) for day in range(100)))
    await client.put(f"{POLICIES}/Station", json={"raw": 30, "rollups": {"P1D": None}})
    await rollups.refresh(database, NOW)
    params = {"options": "aggregatedValues", "timerel": "after", "timeAt": times.text(START)}
    for method, value in (("avg", "01:00:00Z"), ("min", "00:00:00Z"), ("max", "02:00:00Z")):
        answer = await client.get(PATH, params={**params, "aggrMethods": method, "aggrPeriodDuration": "P3D"})
        assert answer.json()["t"][method][0][0] == value
    await rollups.retain(database, NOW)
    for method in ("avg", "min", "max"):
        answer = await client.get(PATH, params={**params, "aggrMethods": method, "aggrPeriodDuration": "P3D"})
        assert (answer.status_code, "roll-ups" in answer.text) == (400, True)
    answer = await client.get(PATH, params={**params, "aggrMethods": "totalCount", "aggrPeriodDuration": "P3D"})
    assert answer.json()["t"]["totalCount"][0][0] == 3


async def test_entities_join_and_policies_go(client: httpx.AsyncClient, database: Database) -> None:
    await client.put(f"{POLICIES}/Station", json={"rollups": EVERY_LEVEL})
    await rollups.refresh(database, NOW)
    await provide(client, *(reading(1, START + timedelta(hours=number)) for number in range(48)))
    await rollups.refresh(database, NOW)
    assert await database.readers.fetchval("select count(*) from rollup where seconds = 86400") == 2
    assert (await client.get(POLICIES)).json() == [{"type": "Station", "raw": None, "rollups": EVERY_LEVEL}]
    assert (await client.delete(f"{POLICIES}/Station")).status_code == 204
    assert await database.readers.fetchval("select count(*) from rollup") == 0
    assert (await client.get(f"{POLICIES}/Station")).status_code == 404
    assert (await client.delete(f"{POLICIES}/Station")).status_code == 404
    assert (await aggregated(client, "P1D", START, NOW))["sum"][0][0] == 24


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"raw": 0}, "raw"),
        ({"raw": "30"}, "raw"),
        ({"rollups": {"PT5M": 3}}, "rollups"),
        ({"rollups": {"P1D": -1}}, "P1D"),
        ({"keep": 3}, "keep"),
    ],
)
async def test_bad_policies_are_refused(client: httpx.AsyncClient, body: Any, word: str) -> None:
    answer = await client.put(f"{POLICIES}/Station", json=body)
    assert answer.status_code == 400
    assert word in answer.json()["detail"]


REFRESH = """
import asyncio, sys
from datetime import datetime
from broker.settings import Settings
from broker.store import chunks, rollups
from broker.store.db import Database
from broker.upkeep import Upkeep
async def main():
    database = await Database.connect(sys.argv[1], connections=2, writers=1, statement_timeout=60)
    rollups._DUE = 3
    print("begun", flush=True)
    await rollups.refresh(database, datetime.fromisoformat(sys.argv[2]))
    print("done", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def grown(database: Database, size: int) -> None:
    """Wait until more than `size` roll-ups are there."""
    async with asyncio.timeout(60):
        while await database.readers.fetchval("select count(*) from rollup") <= size:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.005)


async def test_kill_9_during_a_rollup_loses_and_doubles_nothing(
    client: httpx.AsyncClient, database: Database, dsn: str
) -> None:
    every = [reading(number % 11, START + timedelta(minutes=30 * number)) for number in range(2 * 24 * 100)]
    await provide(client, *every)
    await client.put(f"{POLICIES}/Station", json={"rollups": EVERY_LEVEL})
    counts = []
    for _ in range(3):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", REFRESH, dsn, NOW.isoformat(), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"begun\n"
        await grown(database, counts[-1] if counts else 0)
        child.kill()
        await child.wait()
        counts.append(await database.readers.fetchval("select count(*) from rollup"))
    assert counts[0] > 0
    await rollups.refresh(database, NOW)
    assert counts[0] < await database.readers.fetchval("select count(*) from rollup")
    assert await database.readers.fetchval("select sum(total) from rollup where seconds = 600") == len(every)
    assert await database.readers.fetchval("select sum(total) from rollup where seconds = 86400") == len(every)
    same(await answers(client), await without_rollups(client, database))


async def test_a_round_of_upkeep_does_it_all(client: httpx.AsyncClient, database: Database, dsn: str) -> None:
    await provide(client, *(reading(1, START + timedelta(hours=number)) for number in range(24 * 100)))
    await client.put(f"{POLICIES}/Station", json={"raw": 10, "rollups": {"P1D": 50}})
    upkeep = Upkeep(database, Settings(database_url=dsn, log_days=7))
    await upkeep.round(NOW)
    left = await database.readers.fetchval("select count(*) from history")
    assert left < 24 * 11
    days = await database.readers.fetchrow("select min(start) as first, count(*) as count from rollup")
    assert days["first"] == NOW.replace(hour=0) - timedelta(days=50)
    assert await database.readers.fetchval("select count(*) from log") > 0
    await upkeep.round(datetime.now(UTC) + timedelta(days=30))
    assert await database.readers.fetchval("select count(*) from log") == 0
    assert not await chunks.compresses(database) or await chunks.compress_history(database, NOW) >= 0


@pytest.mark.parametrize(
    ("numbers", "infinite"),
    [
        ((1e200,), {"squares", "deviation"}),
        ((1e200, -1e200, 3), {"squares", "deviation"}),
        ((1e160, 1e150), {"squares", "deviation"}),
        ((1e-200,), set()),
        ((1e-200, 0, 5e-324), set()),
        ((1e308, 1e308), {"sum", "squares", "deviation"}),
        ((-1e308, -1e308), {"sum", "squares", "deviation"}),
        ((1e140, -1e140), set()),
    ],
)
async def test_numbers_of_any_size_are_rolled_up(
    client: httpx.AsyncClient, database: Database, numbers: tuple[float, ...], infinite: set[str]
) -> None:
    await provide(client, *(reading(number, START + timedelta(hours=hour)) for hour, number in enumerate(numbers)))
    await client.put(f"{POLICIES}/Station", json={"rollups": {"P1D": None}})
    await rollups.refresh(database, NOW)
    row = await database.readers.fetchrow("select * from rollup")
    assert (row["total"], row["measured"]) == (len(numbers), len(numbers))
    assert (row["least"], row["most"], row["last"]) == (min(numbers), max(numbers), numbers[-1])
    found = {name for name in ("sum", "squares", "deviation") if not isfinite(row[name])}
    assert found == infinite


@pytest.mark.parametrize("broken", ["refresh", "retain"])
async def test_a_step_of_upkeep_that_fails_keeps_no_other_from_running(
    client: httpx.AsyncClient,
    database: Database,
    dsn: str,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await provide(client, reading(1, START))
    await client.put(f"{POLICIES}/Station", json={"rollups": {"P1D": None}})
    upkeep = Upkeep(database, Settings(database_url=dsn, log_days=7))
    with monkeypatch.context() as patch:
        patch.setattr(rollups, broken, AsyncMock(side_effect=ValueError("broken")))
        await upkeep.round(datetime.now(UTC) + timedelta(days=30))
    assert "failed: broken; again" in caplog.text
    assert await database.readers.fetchval("select count(*) from log") == 0
    await upkeep.round(datetime.now(UTC) + timedelta(days=30))
    assert await database.readers.fetchval("select count(*) from rollup") == 1
