"""Purge (GS CIM 009, 5.6.21)."""

import httpx
import pytest

from tests.broker.rooms import ID, STORED, prop, room, shown


async def test_purge_deletes_what_the_query_finds(client: httpx.AsyncClient) -> None:
    rooms = [room(f"urn:ngsi-ld:Room:{i}", a=prop(i)) for i in range(6)]
    await client.post("/entityOperations/create", json=[*rooms, {"id": "urn:x:hall", "type": "Hall"}])
    assert (await client.delete("/entities", params={"type": "Room", "q": "a<3"})).status_code == 204
    left = (await client.get("/entities", params={"local": "true"})).json()
    assert [item["id"] for item in left] == [*(f"urn:ngsi-ld:Room:{i}" for i in (3, 4, 5)), "urn:x:hall"]
    assert (await client.delete("/entities", params={"type": "Nothing"})).status_code == 204


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        ({"drop": "a,scope"}, {"id", "type", "b"}),
        ({"keep": "a"}, {"id", "type", "a"}),
        ({"keep": "a,scope"}, {"id", "type", "a", "scope"}),
        ({"drop": "unknown"}, {"id", "type", "a", "b", "scope"}),
    ],
)
async def test_purge_of_attributes(client: httpx.AsyncClient, parameters: dict[str, str], left: set[str]) -> None:
    await client.post("/entities", json=room(a=prop(1), b=prop(2), scope="/A"))
    assert (await client.delete("/entities", params={"type": "Room", **parameters})).status_code == 204
    assert (await shown(client)).keys() == left


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"id": ID},
        {"idPattern": ".*"},
        {"type": "Room", "keep": "a", "drop": "b"},
        {"type": "Room", "expandValues": "a"},
        {"type": "Room", "q": "a=="},
    ],
)
async def test_a_purge_that_is_refused(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    await client.post("/entities", json=STORED)
    assert (await client.delete("/entities", params=parameters)).status_code == 400
    assert (await shown(client))["id"] == ID
