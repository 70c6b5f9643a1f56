"""One reading's whole way: written, found, changed, remembered."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

ID = "urn:ngsi-ld:Room:1"


def room(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", **more}


def reading(value: Any, at: str = "2026-06-19T12:50:00+09:00") -> dict[str, Any]:
    return {"type": "Property", "value": value, "unitCode": "CEL", "observedAt": at}


async def test_a_created_entity_comes_back_exactly(client: httpx.AsyncClient) -> None:
    answer = await client.post("/entities", json=room(name={"type": "Property", "value": "金沢"}, t=reading(1.222e-11)))
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/ngsi-ld/v1/entities/{ID}"
    found = (await client.get(f"/entities/{ID}")).json()
    assert found["name"]["value"] == "金沢"
    assert found["t"] == {
        "type": "Property",
        "value": 1.222e-11,
        "unitCode": "CEL",
        "observedAt": "2026-06-19T03:50:00Z",
    }


async def test_a_second_creation_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=room())
    answer = await client.post("/entities", json=room())
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/AlreadyExists")


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        ({"type": "Room"}, "BadRequestData", "id"),
        ({"id": "nonsense", "type": "Room"}, "BadRequestData", "nonsense"),
        ({"id": ID}, "BadRequestData", "type"),
        (room(t=None), "BadRequestData", "null"),
        (room(t={"type": "Foo", "value": 1}), "BadRequestData", "Foo"),
        (room(t=reading(1, "2026-06-19T12:50:00")), "BadRequestData", "observedAt"),
        (room(location={"type": "Point", "coordinates": [36.5, 136.6]}), "BadRequestData", "longitude"),
        ({}, "InvalidRequest", "empty"),
    ],
)
async def test_bad_entities_are_refused_with_field_and_rule(
    client: httpx.AsyncClient, body: Any, kind: str, word: str
) -> None:
    answer = await client.post("/entities", json=body)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/" + kind)
    assert word in answer.json()["detail"]


async def test_queries_filter_by_value_place_and_page(client: httpx.AsyncClient) -> None:
    places = [[136.60, 36.50], [136.65, 36.57], [139.70, 35.60]]
    rooms = [
        room(i, t=reading(20 + i), location={"type": "Point", "coordinates": place}) for i, place in enumerate(places)
    ]
    assert (await client.post("/entityOperations/create", json=rooms)).status_code == 201

    async def ids(**params: Any) -> list[str]:
        answer = await client.get("/entities", params={"type": "Room", **params})
        assert answer.status_code == 200, answer.text
        return [item["id"][-1] for item in answer.json()]

    assert await ids(q="t>20;t<22") == ["1"]
    assert await ids(q="t==20..21") == ["0", "1"]
    assert await ids(q='unknown=="x"') == []
    near = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[136.65,36.57]"}
    assert await ids(**near) == ["1"]
    assert await ids(idPattern="[02]$") == ["0", "2"]
    counted = await client.get("/entities", params={"type": "Room", "limit": 1, "offset": 1, "count": "true"})
    assert counted.headers["ngsild-results-count"] == "3"
    assert 'rel="next"' in counted.headers["link"]
    assert 'rel="prev"' in counted.headers["link"]


async def test_too_wide_and_unknown_parameters_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/entities")).json()["type"].endswith("/BadRequestData")
    assert (await client.get("/entities?type=A&foo=1")).json()["type"].endswith("/InvalidRequest")


async def test_history_keeps_both_values_and_a_replay_adds_none(client: httpx.AsyncClient) -> None:
    for value, at in ((20, "2026-06-19T03:50:00Z"), (21.5, "2026-06-19T04:50:00Z"), (21.5, "2026-06-19T04:50:00Z")):
        answer = await client.post("/entityOperations/upsert?options=update", json=[room(t=reading(value, at))])
        assert answer.status_code in (201, 204)
    history = (await client.get(f"/temporal/entities/{ID}")).json()
    assert [(item["value"], item["observedAt"]) for item in history["t"]] == [
        (20, "2026-06-19T03:50:00Z"),
        (21.5, "2026-06-19T04:50:00Z"),
    ]
    last = (await client.get(f"/temporal/entities/{ID}?lastN=1")).json()
    assert [item["value"] for item in last["t"]] == [21.5]


@pytest.mark.parametrize("options", ["update,keepNewest", "replace,keepNewest", "keepNewest"])
async def test_a_late_reading_goes_to_history_only(client: httpx.AsyncClient, options: str) -> None:
    for value, at in ((20, "2026-06-19T03:50:00Z"), (19, "2026-06-19T02:50:00Z")):
        await client.post(f"/entityOperations/upsert?options={options}", json=[room(t=reading(value, at))])
    assert (await client.get(f"/entities/{ID}")).json()["t"]["value"] == 20
    assert [item["value"] for item in (await client.get(f"/temporal/entities/{ID}")).json()["t"]] == [19, 20]


async def test_a_null_in_the_order_of_readings_takes_away_what_is_not_newer(client: httpx.AsyncClient) -> None:
    async def post(value: object, at: str) -> None:
        answer = await client.post(
            "/entityOperations/upsert?options=update,keepNewest", json=[room(t=reading(value, at))]
        )
        assert answer.status_code in (201, 204), answer.text

    async def current() -> object:
        return (await client.get(f"/entities/{ID}")).json().get("t", {}).get("value")

    null = "urn:ngsi-ld:null"
    await post(null, "2026-06-19T01:50:00Z")
    assert await current() is None
    await post(20, "2026-06-19T02:50:00Z")
    await post(null, "2026-06-19T01:50:00Z")
    assert await current() == 20
    for _ in range(2):
        await post(null, "2026-06-19T03:50:00Z")
        assert await current() is None
    await post(30, "2026-06-19T04:50:00Z")
    assert await current() == 30


async def test_concurrent_appends_are_all_present(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=room())
    answers = await asyncio.gather(*(client.post(f"/entities/{ID}/attrs", json={f"a{i}": i}) for i in range(50)))
    assert {answer.status_code for answer in answers} == {204}
    found = (await client.get(f"/entities/{ID}?options=keyValues")).json()
    assert {found[f"a{i}"] for i in range(50)} == set(range(50))


async def test_entity_history_and_log_agree(client: httpx.AsyncClient, dsn: str) -> None:
    await client.post("/entities", json=room(t=reading(1)))
    await client.patch(f"/entities/{ID}/attrs/t", json={"value": 2})
    await client.delete(f"/entities/{ID}/attrs/t")
    await client.delete(f"/entities/{ID}")
    connection = await asyncpg.connect(dsn)
    operations = [row["operation"] for row in await connection.fetch("select operation from log order by seq")]
    await connection.close()
    assert operations == ["create", "update", "update", "delete"]
    assert (await client.get(f"/entities/{ID}")).status_code == 404


async def test_tenants_do_not_see_each_other(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=room(), headers={"NGSILD-Tenant": "one"})
    assert (await client.get(f"/entities/{ID}")).status_code == 404
    seen = await client.get(f"/entities/{ID}", headers={"NGSILD-Tenant": "one"})
    assert seen.status_code == 200
    assert seen.headers["ngsild-tenant"] == "one"
    unknown = await client.get(f"/entities/{ID}", headers={"NGSILD-Tenant": "two"})
    assert unknown.json()["type"].endswith("/NonexistentTenant")


async def test_a_batch_names_what_failed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/entityOperations/create", json=[room(), {"id": "bad", "type": "Room"}])
    assert answer.status_code == 207
    assert answer.json()["success"] == [ID]
    assert answer.json()["errors"][0]["entityId"] == "bad"


async def test_quarantine_keeps_the_bytes(client: httpx.AsyncClient) -> None:
    base = "http://127.0.0.1:1026/admin/quarantine"
    made = await client.post(base, json={"source": "rain", "reason": "unreadable", "raw": "AP8="})
    assert made.status_code == 201
    path = f"{base}/{made.json()['id']}"
    assert (await client.get(path)).json()["raw"] == "AP8="
    assert (await client.post(f"{path}/replayed", json={"x": 1})).status_code == 204
    assert "replayedAt" in (await client.get(base)).json()[0]


async def test_the_same_message_is_set_aside_once_and_counted(client: httpx.AsyncClient) -> None:
    base = "http://127.0.0.1:1026/admin/quarantine"
    message = {"source": "rain", "reason": "unreadable", "raw": "AP8=", "metadata": {"topic": "a", "kind": "row"}}
    first = (await client.post(base, json=message)).json()["id"]
    await client.post(f"{base}/{first}/replayed")
    assert (await client.post(base, json=message | {"reason": "still unreadable"})).json()["id"] == first
    others = [message | {"raw": "AP8A"}, message | {"source": "b"}, message | {"metadata": {"topic": "b"}}]
    assert first not in [(await client.post(base, json=other)).json()["id"] for other in others]
    newest, *_, oldest = (await client.get(base)).json()
    assert len((await client.get(base)).json()) == 4
    assert (oldest["id"], oldest["times"], oldest["reason"]) == (first, 2, "still unreadable")
    assert "replayedAt" not in oldest  # it came again after the replay
    assert newest["metadata"] == {"topic": "b"}
