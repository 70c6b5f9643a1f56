"""Batch operations (GS CIM 009, 5.6.7 to 5.6.10, 5.6.20)."""

from typing import Any

import httpx
import pytest

from tests.broker.rooms import ID, NULL, OTHER, STORED, prop, room, shown

BATCHES: dict[str, tuple[str, Any, int, Any, set[str]]] = {
    "merge": ("/merge", [room(a=prop(9)), {"id": OTHER, "a": 1}], 207, [ID], {OTHER}),
    "merge all": ("/merge", [{"id": ID, "a": prop(9)}], 204, None, set()),
    "merge without an id": ("/merge", [{"a": 1}], 207, [], {""}),
    "update": ("/update", [{"id": ID, "a": prop(9)}, {"id": OTHER, "a": prop(1)}], 207, [ID], {OTHER}),
    "create twice": ("/create", [room(OTHER), room(OTHER, a=prop(1))], 207, [OTHER], {OTHER}),
    "create one there is": ("/create", [room(), room(OTHER)], 207, [OTHER], {ID}),
    "create a bad one": ("/create", [room(OTHER), {"id": "urn:x:3"}], 207, [OTHER], {"urn:x:3"}),
    "create": ("/create", [room(OTHER)], 201, [OTHER], set()),
    "upsert tells the created": ("/upsert", [room(), room(OTHER), room(OTHER, a=prop(1))], 201, [OTHER], set()),
    "upsert of known ones": ("/upsert", [room()], 204, None, set()),
    "delete twice": ("/delete", [ID, ID], 207, [ID], {ID}),
    "delete": ("/delete", [ID], 204, None, set()),
    "delete a bad id": ("/delete", ["nonsense", ID], 207, [ID], {"nonsense"}),
    "delete what is no id": ("/delete", [5, {"id": ID}], 207, [], {""}),
    "update with null": ("/update", [{"id": ID, "a": NULL, "sub": prop(1, q=NULL)}], 204, None, set()),
    "update of nothing by null": ("/update", [{"id": ID, "new": NULL}], 207, [], {ID}),
    "update without overwriting": ("/update?options=noOverwrite", [{"id": ID, "a": 9, "n": 1}], 207, [], {ID}),
    "update that overwrites nothing": ("/update?options=noOverwrite", [{"id": ID, "n": 1}], 204, None, set()),
    "update by null without overwriting": ("/update?options=noOverwrite", [{"id": ID, "a": NULL}], 207, [], {ID}),
    "upsert with null": ("/upsert?options=update", [room(a=NULL)], 204, None, set()),
    "upsert of a new one with null": ("/upsert?options=update", [room(OTHER, a=NULL)], 207, [], {OTHER}),
    "upsert that replaces by null": ("/upsert", [room(a=NULL), room(OTHER)], 207, [OTHER], {ID}),
    "upsert without a type": ("/upsert?options=update", [{"id": ID, "a": 1}], 207, [], {ID}),
}


@pytest.mark.parametrize("case", BATCHES)
async def test_one_batch(client: httpx.AsyncClient, case: str) -> None:
    path, body, status, success, failed = BATCHES[case]
    await client.post("/entities", json=STORED)
    answer = await client.post(f"/entityOperations{path}", json=body)
    assert answer.status_code == status, answer.text
    if status == 207:
        assert answer.json()["success"] == success
        assert {item["entityId"] for item in answer.json()["errors"]} == failed
        assert all(item["error"]["title"] for item in answer.json()["errors"])
    elif status == 201:
        assert answer.json() == success


@pytest.mark.parametrize("body", [[], {}, [None], {"id": ID}, [room(), None]])
async def test_a_batch_that_is_none(client: httpx.AsyncClient, body: Any) -> None:
    for path in ("create", "upsert", "update", "merge", "delete"):
        answer = await client.post(f"/entityOperations/{path}", json=body)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("InvalidRequest" if body == {} else "BadRequestData")


@pytest.mark.parametrize("query", ["observedAt=today", "lang=not+a+tag", "format=nonsense", "options=nonsense"])
async def test_parameters_of_a_batch_are_checked_once(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.post(f"/entityOperations/merge?{query}", json=[room(a=1)])
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


async def test_null_in_an_upsert_deletes(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=STORED)
    body = [room(a=NULL, sub=prop(5, q=NULL), scope=NULL)]
    assert (await client.post("/entityOperations/upsert?options=update", json=body)).status_code == 204
    found = await shown(client)
    assert "a" not in found
    assert "scope" not in found
    assert found["sub"] == prop(5)


async def test_the_entities_of_a_batch_share_their_modified_at(client: httpx.AsyncClient) -> None:
    await client.post("/entityOperations/upsert", json=[room(f"urn:x:{number}", a=number) for number in range(150)])
    found = (await client.get("/entities?type=Room&options=sysAttrs&limit=1000")).json()
    assert len(found) == 150
    assert len({entity["modifiedAt"] for entity in found}) == 1


async def test_changes_of_one_entity_within_a_batch_do_not(client: httpx.AsyncClient) -> None:
    await client.post("/entityOperations/upsert?options=update", json=[room(a=number) for number in range(3)])
    history = (
        await client.get(f"/temporal/entities/{ID}?timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt")
    ).json()
    assert [instance["value"] for instance in history["a"]] == [0, 1, 2]
