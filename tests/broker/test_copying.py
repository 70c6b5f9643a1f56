"""Readings of a large batch, which go by COPY: nothing of them differs from those that go one by one."""

import random
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from broker.store import copying, readings, rollups
from broker.store.db import Database
from ngsi import times
from tests.broker.test_rollups import EVERY_LEVEL, NOW, POLICIES, START

MANY = readings.FEW
UPSERT = "/entityOperations/upsert?options=update"
KINDS: dict[str, dict[str, Any]] = {
    "integer": {"type": "Property", "value": -7},
    "fraction": {"type": "Property", "value": 0.1, "unitCode": "CEL"},
    "great": {"type": "Property", "value": 2**60 + 1},
    "yes": {"type": "Property", "value": True},
    "no": {"type": "Property", "value": False},
    "text": {"type": "Property", "value": '晴れ "\\ \n\t{}, NULL', "unitCode": '"\\,{}'},
    "empty": {"type": "Property", "value": ""},
    "nothing": {"type": "Property", "value": []},
    "array": {"type": "Property", "value": [1, 2.5, "c", [None]]},
    "object": {"type": "Property", "value": {"a": {"b": [1]}}},
    "link": {"type": "Relationship", "object": "urn:x:1", "objectType": "T"},
    "links": {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]},
    "place": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.6, 36.5]}},
    "names": {"type": "LanguageProperty", "languageMap": {"ja": "兼六園", "en": "Kenroku-en"}},
    "word": {"type": "VocabProperty", "vocab": "open"},
    "list": {"type": "ListProperty", "valueList": [1, None, "x"], "unitCode": "GQ"},
    "linked": {"type": "ListRelationship", "objectList": ["urn:x:1", "urn:x:2"]},
    "json": {"type": "JsonProperty", "json": {"id": [None, "@none"]}},
    "other": {"type": "Property", "value": 3, "datasetId": "urn:ngsi-ld:Dataset:roof"},
    "deep": {"type": "Property", "value": 4,
             "by": {"type": "Property", "value": 5, "q": {"type": "Property", "value": 6}}},
}  # fmt: skip


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each COPY was asked to take."""
    counts: list[int] = []
    copy = copying.copy

    async def counting(connection: asyncpg.Connection, rows: Any) -> None:
        counts.append(len(rows))
        await copy(connection, rows)

    monkeypatch.setattr(copying, "copy", counting)
    return counts


def stamp(hour: int) -> str:
    return f"2026-06-19T{hour:02}:00:00.25Z"


def entity(name: str, hour: int, attributes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    observed = {key: {**item, "observedAt": stamp(hour)} for key, item in attributes.items()}
    return {"id": f"urn:ngsi-ld:T:{name}", "type": "T", **observed}


async def evolution(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """What history says of the entity, whenever it was told."""
    answer = await client.get(f"/temporal/entities/urn:ngsi-ld:T:{name}", params={"lastN": 100})
    assert answer.status_code == 200, answer.text
    return {
        key: [{member: value for member, value in item.items() if member != "instanceId"} for item in items]
        for key, items in answer.json().items()
        if isinstance(items, list)
    }


async def test_every_kind_of_reading(client: httpx.AsyncClient, copied: list[int]) -> None:
    for hour in (1, 2):
        for kind, item in KINDS.items():
            answer = await client.post(UPSERT, json=[entity("single", hour, {kind: item})])
            assert answer.status_code in (201, 204), answer.text
    assert copied == []
    names = ["whole", *(str(n) for n in range(MANY // len(KINDS)))]
    for hour in (1, 2):
        answer = await client.post(UPSERT, json=[entity(name, hour, KINDS) for name in names])
        assert answer.status_code in (201, 204), answer.text
    assert copied == 2 * [len(names) * len(KINDS)]
    found = await evolution(client, "whole")
    assert found.keys() == KINDS.keys()
    assert found == await evolution(client, "single")
    assert all([item["observedAt"] for item in items] == [stamp(2), stamp(1)] for items in found.values())
    whole = (await client.get("/temporal/entities/urn:ngsi-ld:T:whole", params={"options": "sysAttrs"})).json()
    for kind in KINDS:
        assert all(whole["createdAt"] <= item["createdAt"] == item["modifiedAt"] for item in whole[kind])


async def test_readings_that_history_knows_and_the_entity_does_not(
    client: httpx.AsyncClient, database: Database, copied: list[int]
) -> None:
    def batch(hour: int, value: int) -> list[dict[str, Any]]:
        return [entity(str(n), hour, {"a": {"type": "Property", "value": value + n}}) for n in range(MANY)]

    assert (await client.post(UPSERT, json=batch(1, 0))).status_code == 201
    await database.writers.execute(
        "insert into history (entity, attribute, at, observed, created_at, modified_at, type, form, number) "
        "select entity, attribute, at + interval '1 hour', observed, created_at, modified_at, type, form, 99 "
        "from history where number = 7"
    )
    assert (await client.post(UPSERT, json=batch(2, 100))).status_code == 204
    assert copied == [MANY, MANY]  # the second time in vain
    for n in (7, 8):
        values = [item["value"] for item in (await evolution(client, str(n)))["a"]]
        assert values == [100 + n, n]


async def test_what_is_not_newer_goes_row_by_row(client: httpx.AsyncClient, copied: list[int]) -> None:
    def batch(hour: int, value: int, **more: Any) -> list[dict[str, Any]]:
        return [entity(str(n), hour, {"a": {"type": "Property", "value": value + n}, **more}) for n in range(MANY)]

    for hour, value in ((5, 0), (5, 100), (3, 200)):  # new, corrected, late
        await client.post(UPSERT, json=batch(hour, value))
    await client.post(UPSERT, json=batch(6, 300, b={"type": "Property", "value": 1}))  # b is new to the entity
    await client.post(f"{UPSERT},keepNewest", json=batch(4, 400))
    assert copied == [MANY]
    assert [item["value"] for item in (await evolution(client, "4"))["a"]] == [304, 104, 404, 204]


@pytest.mark.parametrize("size", [1, MANY])
async def test_one_reading_said_twice_in_a_batch(client: httpx.AsyncClient, copied: list[int], size: int) -> None:
    for hour, first in ((1, True), (2, False)):
        body = [
            entity(str(n), hour, {"a": {"type": "Property", "value": value}}) for value in (1, 2) for n in range(size)
        ]
        assert (await client.post(UPSERT, json=body)).status_code == (201 if first else 204)
    assert copied == ([] if size == 1 else [MANY, MANY])
    assert [item["value"] for item in (await evolution(client, "0"))["a"]] == [2, 2]


async def test_readings_before_the_mark_of_the_rollups_are_due(
    client: httpx.AsyncClient, database: Database, copied: list[int]
) -> None:
    def batch(days: int, value: int) -> list[dict[str, Any]]:
        at = (START + timedelta(days=days)).isoformat()
        item = {"type": "Property", "value": value, "observedAt": at}
        return [{"id": f"urn:ngsi-ld:Station:{n}", "type": "Station", "t": item} for n in range(MANY)]

    await client.post(UPSERT, json=batch(0, 1))
    await client.put(f"{POLICIES}/Station", json={"raw": None, "rollups": EVERY_LEVEL})
    await rollups.refresh(database, NOW)
    assert await database.readers.fetchval("select count(*) from rollup_due") == 0
    for days in (1, 2):
        await client.post(UPSERT, json=batch(days, 2))
        assert copied == [MANY, MANY]  # the second is tried in vain, and tells where the mark is
        assert await database.readers.fetchval("select count(*) from rollup_due") == MANY * days
    assert await database.readers.fetchval("select count(*) from history") == MANY * 3


@pytest.mark.parametrize("seed", range(8))
async def test_random_batches_leave_what_a_plain_model_says(client: httpx.AsyncClient, seed: int) -> None:
    chance = random.Random(seed)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    current: dict[tuple[str, str], tuple[str, Any]] = {}
    for turn in range(10):
        newest = chance.random() < 0.3
        batch: list[dict[str, Any]] = []
        for _ in range(chance.choice([1, 3, 30, 120])):
            one: dict[str, Any] = {"id": f"urn:x:{chance.randrange(6 if seed % 2 else 90)}", "type": "T"}
            for name in chance.sample("abc", chance.randrange(1, 4)):
                hour, value = chance.choice([turn, turn, chance.randrange(10)]), chance.choice([1, 2.5, "x", True])
                at = f"2026-06-19T{hour:02}:00:0{chance.randrange(2)}{chance.choice(['', '.5'])}Z"
                one[name] = {"type": "Property", "value": value, "observedAt": at}
                key = (one["id"], name)
                then, shown = current.get(key, ("", None))
                if (then, shown, type(shown)) == (at, value, type(value)):
                    continue  # it says nothing new
                told.setdefault(key, {})[at] = value
                if not (newest and then and times.parse(at) < times.parse(then)):
                    current[key] = at, value
            batch.append(one)
        options = "update,keepNewest" if newest else "update"
        answer = await client.post(f"/entityOperations/upsert?options={options}", json=batch)
        assert answer.status_code in (201, 204), answer.text
    for (entity_id, name), readings_told in told.items():
        found = (await client.get(f"/temporal/entities/{entity_id}?lastN=100&pick={name}")).json()[name]
        instances = found if isinstance(found, list) else [found]
        assert {item["observedAt"]: repr(item["value"]) for item in instances} == {
            at: repr(value) for at, value in readings_told.items()
        }
        now = (await client.get(f"/entities/{entity_id}?pick={name}")).json()[name]
        assert (now["observedAt"], repr(now["value"])) == (
            current[entity_id, name][0],
            repr(current[entity_id, name][1]),
        )
