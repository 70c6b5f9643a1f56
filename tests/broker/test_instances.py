"""Instances corrected and deleted, attributes and evolutions deleted (GS CIM 009, 5.6.13 to 5.6.16)."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ngsi import times
from tests.broker.evolving import ID, PATH, at, evolution, prop, values


async def test_an_instance_is_corrected_and_keeps_its_id(series: httpx.AsyncClient) -> None:
    before = (await series.get(PATH, params={"options": "sysAttrs"})).json()["t"]
    target = f"{PATH}/attrs/t/{before[3]['instanceId']}"
    answer = await series.patch(target, json={"t": [prop(44, 4, unitCode="CEL")]})
    assert answer.status_code == 204, answer.text
    after = (await series.get(PATH, params={"options": "sysAttrs"})).json()["t"]
    assert [item["value"] for item in after] == [10, 20, 30, 44]
    assert after[3]["instanceId"] == before[3]["instanceId"]
    assert after[3]["createdAt"] == before[3]["createdAt"]
    assert after[3]["modifiedAt"] > before[3]["modifiedAt"]
    assert (await series.get(f"/entities/{ID}")).json()["t"]["value"] == 44


async def test_an_instance_may_move_in_time(series: httpx.AsyncClient) -> None:
    newest = (await series.get(PATH, params={"lastN": 1})).json()["t"][0]["instanceId"]
    moved = {**prop(5, 1), "observedAt": "2025-01-01T00:00:00Z"}
    assert (await series.patch(f"{PATH}/attrs/t/{newest}", json={"t": [moved]})).status_code == 204
    found = (await series.get(PATH)).json()["t"]
    assert [item["value"] for item in found] == [5, 10, 20, 30]
    assert found[0]["instanceId"] == newest
    assert (await series.get(f"/entities/{ID}")).json()["t"]["value"] == 30


async def test_an_instance_is_deleted_and_the_one_before_it_is_current(series: httpx.AsyncClient) -> None:
    newest = (await series.get(PATH, params={"lastN": 1})).json()["t"][0]["instanceId"]
    assert (await series.delete(f"{PATH}/attrs/t/{newest}")).status_code == 204
    assert await values(series) == [10, 20, 30]
    assert (await series.get(f"/entities/{ID}")).json()["t"]["value"] == 30
    assert (await series.delete(f"{PATH}/attrs/t/{newest}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PATH}/attrs/t/urn:ngsi-ld:instance:999999", 404),
        (f"{PATH}/attrs/t/urn:something:else", 404),
        (f"{PATH}/attrs/unknown/urn:ngsi-ld:instance:1", 404),
        (f"{PATH}/attrs/t/nonsense", 400),
        ("/temporal/entities/urn:ngsi-ld:Room:9/attrs/t/urn:ngsi-ld:instance:1", 404),
        ("/temporal/entities/nonsense/attrs/t/urn:ngsi-ld:instance:1", 400),
    ],
)
async def test_instances_that_are_not_there(series: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await series.delete(path)).status_code == status
    assert (await series.patch(path, json={path.split("/")[-2]: [prop(1, 1)]})).status_code == status


async def test_an_instance_fragment_holds_one_instance(series: httpx.AsyncClient) -> None:
    target = f"{PATH}/attrs/t/{(await series.get(PATH)).json()['t'][0]['instanceId']}"
    for body in ({"t": [prop(1, 1), prop(2, 2)]}, {"u": [prop(1, 1)]}, {"t": [prop(1, 1)], "u": [prop(1, 1)]}):
        assert (await series.patch(target, json=body)).status_code == 400


async def test_an_attribute_leaves_history_and_the_present(series: httpx.AsyncClient) -> None:
    assert (await series.delete(f"{PATH}/attrs/t")).status_code == 204
    assert "t" not in (await series.get(PATH)).json()
    assert "t" not in (await series.get(f"/entities/{ID}")).json()
    assert (await series.delete(f"{PATH}/attrs/t")).status_code == 404
    assert (await series.delete(f"{PATH}/attrs/not%20a%20name")).status_code == 400


async def test_an_evolution_is_deleted_whole(series: httpx.AsyncClient) -> None:
    assert (await series.delete(PATH)).status_code == 204
    assert (await series.get(PATH)).status_code == 404
    assert (await series.get(f"/entities/{ID}")).status_code == 404
    assert (await series.delete(PATH)).status_code == 404
    assert (await series.post("/temporal/entities", json=evolution(t=[prop(1, 1)]))).status_code == 201
    assert await values(series) == [1]


async def test_deletion_through_the_core_api_leaves_a_tombstone(series: httpx.AsyncClient) -> None:
    assert (await series.delete(f"/entities/{ID}/attrs/t")).status_code == 204
    params = {"timerel": "after", "timeAt": at(1), "timeproperty": "deletedAt"}
    deleted = (await series.get(PATH, params=params)).json()
    assert deleted["t"][0]["value"] == "urn:ngsi-ld:null"
    assert "deletedAt" in deleted["t"][0]
    assert "name" not in deleted
    assert await values(series, timerel="after", timeAt=at(1)) == [10, 20, 30, 40]
    assert (await series.delete(f"/entities/{ID}")).status_code == 204
    assert await values(series, timerel="after", timeAt=at(1)) == [10, 20, 30, 40]
    entity = (await series.get(PATH, params={"options": "sysAttrs", **params})).json()
    assert "deletedAt" in entity
    assert entity["name"][0]["value"] == "urn:ngsi-ld:null"
    assert (await series.delete(f"{PATH}/attrs/t")).status_code == 204
    assert (await series.delete(PATH)).status_code == 204
    assert (await series.get(PATH)).status_code == 404


async def test_tombstones_may_be_provided(series: httpx.AsyncClient) -> None:
    grave = {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": at(6)}
    assert (await series.post(f"{PATH}/attrs", json={"t": [grave]})).status_code == 204
    assert "t" not in (await series.get(f"/entities/{ID}")).json()
    found = (await series.get(PATH)).json()["t"]
    assert (found[-1]["value"], found[-1]["deletedAt"]) == ("urn:ngsi-ld:null", at(6))


async def test_what_comes_to_one_instant_is_observed_or_deleted_as_the_last_says(client: httpx.AsyncClient) -> None:
    grave = {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": at(6)}
    told = {"type": "Property", "value": 1}
    deleted = {"timerel": "after", "timeAt": at(1), "timeproperty": "deletedAt"}
    for last in (prop(6, 6), grave, prop(7, 6)):
        await client.post("/temporal/entities", json=evolution(t=[last]))
        (shown,) = (await client.get(PATH)).json()["t"]
        assert shown.keys() - {"instanceId"} == last.keys()
        assert await values(client, timerel="after", timeAt=at(1)) == ([] if last is grave else [last["value"]])
        assert len(await values(client, **deleted)) == (last is grave)
        now = (await client.get(f"/entities/{ID}", params={"asOf": times.text(datetime.now(UTC))})).json()
        assert ("t" in now) == (last is not grave)
    await client.post(f"/entities/{ID}/attrs", json={"u": told})
    stamp = (await client.get(PATH, params={"sysAttrs": "true"})).json()["u"][0]["modifiedAt"]
    await client.post(f"{PATH}/attrs", json={"u": [{**told, "observedAt": stamp}]})
    assert [item["observedAt"] for item in (await client.get(PATH)).json()["u"]] == [stamp]


async def test_the_current_scope_follows_its_history(client: httpx.AsyncClient) -> None:
    def scope(value: str, hour: int) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": at(hour)}

    async def current() -> Any:
        return (await client.get(f"/entities/{ID}")).json().get("scope")

    await client.post(
        "/temporal/entities", json=evolution(scope=[scope(f"/{name}", hour) for hour, name in enumerate("abc")])
    )
    targets = [f"{PATH}/attrs/scope/{item['instanceId']}" for item in (await client.get(PATH)).json()["scope"]]
    for number, body, now, left in (
        (0, scope("/x", 0), "/c", ["/x", "/b", "/c"]),
        (2, scope("/d", 2), "/d", ["/x", "/b", "/d"]),
        (0, scope("/e", 5), "/e", ["/b", "/d", "/e"]),
        (0, scope("/e", 0), "/d", ["/e", "/b", "/d"]),
        (2, None, "/b", ["/e", "/b"]),
        (0, None, "/b", ["/b"]),
    ):
        answer = await (
            client.patch(targets[number], json={"scope": [body]}) if body else client.delete(targets[number])
        )
        assert answer.status_code == 204, answer.text
        assert (await current(), await values(client, "scope")) == (now, left)
    assert (await client.delete(f"{PATH}/attrs/scope")).status_code == 204
    assert (await current(), await values(client, "scope")) == (None, [])
