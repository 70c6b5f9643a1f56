"""What is left to answer from when raw readings are gone, and what policies that change do to it."""

from datetime import timedelta

import httpx
import pytest

from broker.store import rollups
from broker.store.db import Database
from broker.store.statements import statements
from ngsi import times
from tests.broker.rolling import EVERY_LEVEL, ID, NOW, PATH, POLICIES, START, aggregated, provide, reading


@pytest.mark.parametrize(
    "range_", [{}, {"timerel": "before", "timeAt": "2026-07-01T00:00:00Z"}, {"timeproperty": "modifiedAt"}]
)
async def test_questions_without_a_start_are_refused_when_readings_are_gone(
    client: httpx.AsyncClient, database: Database, range_: dict[str, str]
) -> None:
    await provide(client, *(reading(1, START + timedelta(days=day)) for day in range(20)))
    await client.put(f"{POLICIES}/Station", json={"raw": 1, "rollups": {"PT1H": None}})
    params = {"format": "aggregatedValues", "aggrMethods": "totalCount,sum", **range_}
    answer = await client.get(PATH, params=params)
    assert answer.json()["t"]["totalCount"][0][0] == 20
    await rollups.refresh(database, NOW)
    await rollups.retain(database, NOW)
    answer = await client.get(PATH, params=params)
    assert (answer.status_code, "timerel" in answer.json()["detail"]) == (400, True)


async def test_the_past_of_a_new_entity_is_rolled_up_when_other_readings_are_gone(
    client: httpx.AsyncClient, database: Database
) -> None:
    other = "urn:ngsi-ld:Station:2"
    every = [reading(number % 7, START + timedelta(hours=number)) for number in range(24 * 100)]
    await provide(client, *every)
    await client.put(f"{POLICIES}/Station", json={"raw": 30, "rollups": {"PT1H": None, "P1D": None}})
    await rollups.refresh(database, NOW)
    assert await rollups.retain(database, NOW)
    daily = (await aggregated(client, "P1D", START, NOW))["sum"]
    for part in (every[:36], every[36:60], every[60:]):  # days begun in one round, and gone on with in the next
        await provide(client, *part, entity=other)
        await rollups.refresh(database, NOW)
    assert (await aggregated(client, "P1D", START, NOW, entity=other))["sum"] == daily
    assert await rollups.retain(database, NOW)
    assert await database.readers.fetchval("select count(*) from history") < len(every)
    late = reading(1000, START + timedelta(minutes=7))
    for entity in (ID, other):
        await provide(client, late, entity=entity)
        await rollups.refresh(database, NOW)
        assert (await aggregated(client, "P1D", START, NOW, entity=entity))["sum"] == daily
    assert await database.readers.fetchval("select count(*) from rollup_open") == 0


@pytest.mark.parametrize("path", ["/temporal/entities/urn:ngsi-ld:Station:2", f"{POLICIES}/Station"])
async def test_what_is_deleted_leaves_no_open_days(client: httpx.AsyncClient, database: Database, path: str) -> None:
    old, new = reading(1, START), reading(2, NOW - timedelta(days=1))
    await provide(client, old, new)
    await client.put(f"{POLICIES}/Station", json={"raw": 30, "rollups": {"P1D": None}})
    await rollups.refresh(database, NOW)
    assert await rollups.retain(database, NOW)
    await provide(client, old, entity="urn:ngsi-ld:Station:2")
    await rollups.refresh(database, NOW)
    assert await database.readers.fetchval("select count(*) from rollup_open") == 1
    assert (await client.delete(path)).status_code == 204
    assert await database.readers.fetchval("select count(*) from rollup_open") == 0


async def test_readings_that_come_during_retention_are_rolled_up_first(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provide(client, reading(1, START), reading(1, START + timedelta(days=2)))
    await client.put(f"{POLICIES}/Station", json={"raw": 30, "rollups": {"P1D": None}})
    await rollups.refresh(database, NOW)
    await provide(client, reading(1, START + timedelta(days=1)))
    none = "select $1::integer is null or $2::text is null or $3::timestamptz is null"  # as it was before
    monkeypatch.setattr(rollups, "statements", lambda _: {**statements("rollups"), "pending": none})
    assert await rollups.retain(database, NOW)
    await rollups.refresh(database, NOW)
    assert [row[0] for row in (await aggregated(client, "P1D", START, NOW))["sum"]] == [1, 1, 1]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"aggrMethods": "sum", "format": "aggregatedValues"}, 1),
        ({"aggrMethods": "sum", "format": "aggregatedValues", "attrs": "t"}, 1),
        ({"aggrMethods": "sum", "format": "aggregatedValues", "attrs": "other"}, 0),
        ({"aggrMethods": "sum", "format": "aggregatedValues", "timeAt": "2026-03-12T00:00:00Z"}, 0),
        ({"aggrMethods": "sum", "format": "aggregatedValues", "endTimeAt": "2026-03-01T00:00:00Z"}, 0),
        ({}, 0),
    ],
)
async def test_queries_find_entities_of_which_only_rollups_are_left(
    client: httpx.AsyncClient, database: Database, more: dict[str, str], found: int
) -> None:
    await provide(client, *(reading(1, START + timedelta(days=day)) for day in (0, 9, 20)))
    await client.put(f"{POLICIES}/Station", json={"raw": 1, "rollups": {"PT1H": None}})
    await rollups.refresh(database, NOW)
    await rollups.retain(database, NOW)
    start, end = START - timedelta(days=5), START + timedelta(days=15)
    params = {"timerel": "between", "timeAt": times.text(start), "endTimeAt": times.text(end)}
    answer = await client.get("/temporal/entities", params={"type": "Station", "count": "true", **params, **more})
    assert answer.status_code == 200, answer.text
    assert (len(answer.json()), answer.headers["NGSILD-Results-Count"]) == (found, str(found))
    if found:
        assert answer.json()[0] == (await client.get(PATH, params={**params, **more})).json()
        assert answer.json()[0]["t"]["sum"][0][0] == 2


HOURLY = {"PT1H": None}


@pytest.mark.parametrize(
    "rollups_then",
    [
        [HOURLY, EVERY_LEVEL],
        [HOURLY, EVERY_LEVEL, HOURLY, EVERY_LEVEL],
        [{**HOURLY, "P1D": 60}, EVERY_LEVEL],
        [{**HOURLY, "P1D": 100}, {**HOURLY, "P1D": 50}, EVERY_LEVEL],
    ],
)
async def test_levels_answer_only_where_they_were_built(
    client: httpx.AsyncClient, database: Database, rollups_then: list[dict[str, int | None]]
) -> None:
    await provide(client, *(reading(day, START + timedelta(days=day)) for day in range(110)))
    start, end = NOW.replace(hour=0) - timedelta(days=90), NOW
    wanted = await aggregated(client, "P1D", start, end)
    for turn, levels in enumerate(rollups_then):
        await client.put(f"{POLICIES}/Station", json={"raw": 20, "rollups": levels})
        assert await aggregated(client, "P1D", start, end) == wanted
        await rollups.refresh(database, NOW + timedelta(days=turn))
        assert await aggregated(client, "P1D", start, end) == wanted
        assert await rollups.retain(database, NOW + timedelta(days=turn))
        assert await aggregated(client, "P1D", start, end) == wanted


async def test_readings_do_not_come_back_when_they_are_to_be_kept_longer(
    client: httpx.AsyncClient, database: Database
) -> None:
    await provide(client, *(reading(day, START + timedelta(days=day)) for day in range(110)))
    for days in (1, 100):
        await client.put(f"{POLICIES}/Station", json={"raw": days, "rollups": HOURLY})
        await rollups.refresh(database, NOW)
        await rollups.retain(database, NOW)
    params = {"format": "aggregatedValues", "aggrMethods": "distinctCount", "timerel": "after"}
    answer = await client.get(PATH, params={**params, "timeAt": times.text(NOW - timedelta(days=50))})
    assert answer.status_code == 400


async def test_levels_that_change_during_retention_are_built_first(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provide(client, *(reading(day, START + timedelta(days=day)) for day in range(110)))
    await client.put(f"{POLICIES}/Station", json={"raw": 1, "rollups": HOURLY})
    await rollups.refresh(database, NOW)
    stale = "select tenant, type, raw_days, '{\"3600\": 5}'::jsonb as levels, raw_until from policy"
    monkeypatch.setattr(rollups, "statements", lambda _: {**statements("rollups"), "policies": stale})
    assert not await rollups.retain(database, NOW)
    assert await database.readers.fetchval("select count(*) from history") == 110


async def test_readings_that_are_not_rolled_up_stay(client: httpx.AsyncClient, database: Database) -> None:
    await client.put(f"{POLICIES}/Station", json={"raw": 10, "rollups": {"P1D": None}})
    await provide(client, reading(0, START))
    await rollups.refresh(database, START)
    every = [reading(number, START + timedelta(hours=number)) for number in range(1, 49)]
    await provide(client, *every)
    assert not await rollups.retain(database, NOW)  # the mark is far behind
    assert await database.readers.fetchval("select count(*) from history") == 49
