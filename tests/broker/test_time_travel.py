"""asOf: what the broker answered at an instant is what it answers about that instant."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

PATH = "/entities/urn:ngsi-ld:Thing:1"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


async def answer(client: httpx.AsyncClient, path: str = PATH, **params: Any) -> Any:
    found = await client.get(path, params=params)
    assert found.status_code in (200, 404), found.text
    return found.json() if found.status_code == 200 else None


async def test_random_writes_can_be_looked_back_on(client: httpx.AsyncClient) -> None:
    chance = random.Random(7)
    seen: list[tuple[str, Any]] = []
    hour = 0

    def attributes() -> dict[str, Any]:
        nonlocal hour
        hour += 1
        observed = {
            "type": "Property",
            "value": hour,
            "observedAt": f"2026-06-{1 + hour // 24:02}T{hour % 24:02}:00:00Z",
        }
        every = {"a": hour, "b": observed, "c": {"type": "Relationship", "object": f"urn:x:{hour}"}}
        every["d"] = [{"type": "Property", "value": hour, "datasetId": "urn:d:1"}, {"type": "Property", "value": -hour}]
        return {name: every[name] for name in chance.sample(sorted(every), chance.randint(1, 3))}

    for _ in range(60):
        entity = {"id": "urn:ngsi-ld:Thing:1", "type": chance.choice(["Thing", ["Thing", "Other"]]), **attributes()}
        match chance.randrange(7):
            case 0:
                await client.delete(PATH)
            case 1:
                await client.delete(f"{PATH}/attrs/{chance.choice('abc')}")
            case 2:
                await client.put(PATH, json=entity)
            case 3:
                await client.post(f"{PATH}/attrs", json={"scope": f"/S{hour}", **attributes()})
            case _:
                await client.post("/entityOperations/upsert?options=update", json=[entity])
        seen.append((now(), await answer(client)))
    for instant, before in seen:
        assert await answer(client, asOf=instant) == before, instant


@pytest.fixture
async def city(client: httpx.AsyncClient) -> tuple[httpx.AsyncClient, str]:
    """Three stations; after the instant one moves, warms up and changes its type, one is deleted, one is added."""
    for number in (1, 2):
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.0 + number, 36.5]}}
        station = {"id": f"urn:ngsi-ld:Thing:{number}", "type": "Station", "t": number, "location": place}
        assert (await client.post("/entities", json=station)).status_code == 201
    instant = now()
    elsewhere = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [130.0, 30.0]}}
    moved = {"id": "urn:ngsi-ld:Thing:1", "type": "Archived", "t": 99, "location": elsewhere}
    assert (await client.put("/entities/urn:ngsi-ld:Thing:1", json=moved)).status_code == 204
    await client.delete("/entities/urn:ngsi-ld:Thing:2")
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:3", "type": "Station", "t": 1})
    return client, instant


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "Station"}, ["1", "2"]),
        ({"type": "Archived"}, []),
        ({"type": "Station", "q": "t>1"}, ["2"]),
        ({"q": "t==1"}, ["1"]),
        ({"q": "t==99"}, []),
        ({"attrs": "t"}, ["1", "2"]),
        ({"type": "Station", "limit": 1, "offset": 1}, ["2"]),
        (
            {"type": "Station", "georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[137,36.5]"},
            ["1"],
        ),
        ({"type": "Station", "idPattern": "2$"}, ["2"]),
    ],
)
async def test_questions_about_the_past(city: tuple[httpx.AsyncClient, str], params: Any, expected: list[str]) -> None:
    client, instant = city
    found = await client.get("/entities", params={**params, "asOf": instant, "count": "true"})
    assert found.status_code == 200, found.text
    assert [item["id"][-1] for item in found.json()] == expected
    if "limit" not in params:
        assert found.headers["ngsild-results-count"] == str(len(expected))


async def test_the_past_has_an_order_of_its_own(city: tuple[httpx.AsyncClient, str]) -> None:
    client, instant = city
    by_distance = {"orderBy": "location;dist-desc", "orderFrom": "[137,36.5]"}
    for params, expected in (
        ({"orderBy": "t;desc"}, ["2", "1"]),
        ({"orderBy": "id;desc"}, ["2", "1"]),
        (by_distance, ["2", "1"]),
        ({**by_distance, "orderBy": "location;dist-asc", "limit": 1}, ["1"]),
    ):
        asked = {"type": "Station", "local": "true", "asOf": instant, **params}
        found = await client.get("/entities", params=asked)
        assert [item["id"][-1] for item in found.json()] == expected, found.text


async def test_what_is_linked_is_as_it_was_too(client: httpx.AsyncClient) -> None:
    link = {"type": "Relationship", "object": "urn:ngsi-ld:Thing:2"}
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "at": link, "scope": "/A"})
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:2", "type": "Thing", "t": 1})
    instant = now()
    await client.patch("/entities/urn:ngsi-ld:Thing:2/attrs", json={"t": 2})
    await client.patch(f"{PATH}/attrs", json={"scope": "/B"})
    then = {"asOf": instant, "options": "keyValues"}
    inline = await client.get(PATH, params={**then, "join": "inline"})
    assert inline.json()["at"]["t"] == 1, inline.text
    flat = await client.get("/entities", params={**then, "join": "flat", "id": "urn:ngsi-ld:Thing:1", "type": "Thing"})
    assert [item.get("t") for item in flat.json()] == [None, 1]
    for scope, there in (("/A", 1), ("/B", 0)):
        found = await client.get("/entities", params={**then, "scopeQ": scope, "type": "Thing"})
        assert len(found.json()) == there
    before = await client.get(PATH, params={"asOf": "2020-01-01T00:00:00Z", "join": "inline"})
    assert before.status_code == 404


async def test_what_expired_since_was_there(client: httpx.AsyncClient) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    brief = {"type": "Property", "value": 1, "expiresAt": soon}
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "t": brief, "u": 1})
    instant = now()
    while "t" in await answer(client):  # noqa: ASYNC110  the clock decides
        await asyncio.sleep(0.05)
    assert (await answer(client, asOf=instant))["t"]["value"] == 1


async def test_before_anything_there_was_nothing(city: tuple[httpx.AsyncClient, str]) -> None:
    client, _ = city
    early = {"asOf": "2020-01-01T00:00:00Z"}
    assert (await client.get("/entities", params={"type": "Station", **early})).json() == []
    assert (await client.get("/entities/urn:ngsi-ld:Thing:2", params=early)).status_code == 404
    for wrong in ("yesterday", "2026-06-19T00:00:00"):
        assert (await client.get("/entities", params={"type": "Station", "asOf": wrong})).status_code == 400
    linked = await client.get("/entities", params={"q": "at{Station:t}==1", "join": "flat", **early})
    assert linked.status_code == 400
    assert "past" in linked.json()["detail"]


async def test_imported_history_is_the_past_of_its_entity(client: httpx.AsyncClient) -> None:
    readings = [{"type": "Property", "value": day, "observedAt": f"2025-01-{day:02}T00:00:00Z"} for day in range(1, 31)]
    await client.post("/temporal/entities", json={"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "t": readings})
    found = await answer(client, asOf="2025-01-10T12:00:00Z", options="keyValues")
    assert found["t"] == 10
    assert await answer(client, asOf="2024-12-31T12:00:00Z") is None
