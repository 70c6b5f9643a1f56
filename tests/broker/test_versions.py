"""Versions of an entity, and writers who meet at one."""

import asyncio

import httpx
import pytest

from tests.broker.rooms import ID, STORED, prop, room, shown

_TURNS = 200


async def test_a_version_is_asked_for(client: httpx.AsyncClient) -> None:
    created = await client.post("/entities", json=STORED)
    version = created.headers["etag"]
    stale = await client.patch(f"/entities/{ID}", json={"a": prop(2)}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    assert version in stale.json()["detail"]
    changed = await client.patch(f"/entities/{ID}", json={"a": prop(2)}, headers={"If-Match": f'"1", W/{version}'})
    assert changed.status_code == 204
    again = await client.patch(f"/entities/{ID}", json={"a": prop(3)}, headers={"If-Match": version})
    assert again.status_code == 412
    assert (await shown(client))["a"]["value"] == 2
    newer = changed.headers["etag"]
    assert (await client.delete(f"/entities/{ID}", headers={"If-None-Match": newer})).status_code == 412
    assert (await client.delete(f"/entities/{ID}", headers={"If-Match": "*"})).status_code == 204
    assert (await client.delete(f"/entities/{ID}", headers={"If-Match": "*"})).status_code == 412
    assert (await client.post("/entities", json=STORED, headers={"If-None-Match": "*"})).status_code == 201
    assert (await client.post("/entities", json=STORED, headers={"If-None-Match": "*"})).status_code == 412
    assert (await client.delete(f"/entities/{ID}", headers={"If-Match": "nonsense"})).status_code == 400


async def test_a_version_that_is_known_is_not_sent_again(client: httpx.AsyncClient) -> None:
    version = (await client.post("/entities", json=STORED)).headers["etag"]
    known = await client.get(f"/entities/{ID}", headers={"If-None-Match": version})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", version)
    assert {"Accept", "Link", "NGSILD-Tenant"} <= set(known.headers["vary"].split(", "))
    await client.patch(f"/entities/{ID}", json={"a": prop(7)})
    assert (await client.get(f"/entities/{ID}", headers={"If-None-Match": version})).status_code == 200


async def test_of_two_writers_with_one_version_one_wins(client: httpx.AsyncClient) -> None:
    version = (await client.post("/entities", json=STORED)).headers["etag"]
    writes = [
        client.patch(f"/entities/{ID}/attrs", json={"a": prop(i)}, headers={"If-Match": version}) for i in range(9)
    ]
    codes = sorted(answer.status_code for answer in await asyncio.gather(*writes))
    assert codes == [204] + [412] * 8


@pytest.mark.parametrize("shape", ["attributes", "datasets"])
async def test_writers_of_one_entity_lose_nothing(client: httpx.AsyncClient, shape: str) -> None:
    await client.post("/entities", json=room())

    async def writer(number: int) -> None:
        for turn in range(_TURNS):
            name = f"w{number}x{turn}"
            body = {name: prop(turn)} if shape == "attributes" else {"a": prop(turn, datasetId=f"urn:d:{name}")}
            assert (await client.post(f"/entities/{ID}/attrs", json=body)).status_code == 204

    await asyncio.gather(*(writer(number) for number in range(16)))
    found = await shown(client)
    assert len(found["a"] if shape == "datasets" else found) == 16 * _TURNS + (2 if shape == "attributes" else 0)


async def test_of_a_hundred_upserts_of_one_new_id_one_creates(client: httpx.AsyncClient) -> None:
    upserts = [client.post("/entityOperations/upsert", json=[room(a=prop(i))]) for i in range(100)]
    codes = [answer.status_code for answer in await asyncio.gather(*upserts)]
    assert sorted(codes) == [201] + [204] * 99
