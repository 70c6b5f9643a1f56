"""Writes, operation by operation (GS CIM 009, 5.6)."""

import json
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from ngsi.terms import DEFAULT_VOCAB, SCOPE
from tests.broker.rooms import ID, LIST, NULL, OTHER, STORED, prop, room, shown
from tests.broker.running import inside

# method, path after the id, body, status, what the entity then says (None: it is gone)
OPERATIONS: dict[str, tuple[str, str, Any, int, dict[str, Any]]] = {
    "append overwrites": ("POST", "/attrs", {"a": prop(9)}, 204, {"a": prop(9)}),
    "append with a slash": ("POST", "/attrs/", {"new": prop(9)}, 204, {"new": prop(9)}),
    "append keeps other datasets": (
        "POST",
        "/attrs",
        {"d": prop(9)},
        204,
        {"d": [prop(9), prop(2, datasetId="urn:d:1")]},
    ),
    "append adds types": ("POST", "/attrs", {"type": "Hall"}, 204, {"type": ["Room", "Hall"]}),
    "append without overwriting": ("POST", "/attrs?options=noOverwrite", {"a": prop(9)}, 207, {"a": STORED["a"]}),
    "append refuses null": ("POST", "/attrs", {"a": NULL}, 400, {"a": STORED["a"]}),
    "update replaces the instance": ("PATCH", "/attrs", {"a": prop(9)}, 204, {"a": prop(9)}),
    "update appends": ("PATCH", "/attrs", {"new": prop(9)}, 204, {"new": prop(9)}),
    "update changes the type": (
        "PATCH",
        "/attrs",
        {"a": {"type": "Relationship", "object": OTHER}},
        204,
        {"a": {"type": "Relationship", "object": OTHER}},
    ),
    "update with null deletes": ("PATCH", "/attrs", {"a": NULL}, 204, {"a": None}),
    "update with null deletes one dataset": (
        "PATCH",
        "/attrs",
        {"d": prop(NULL, datasetId="urn:d:1")},
        204,
        {"d": prop(1)},
    ),
    "update with null members": ("PATCH", "/attrs", {"a": prop(9, unitCode=NULL, q=NULL)}, 204, {"a": prop(9)}),
    "update with null times": ("PATCH", "/attrs", {"a": prop(9, observedAt=NULL, expiresAt=NULL)}, 204, {"a": prop(9)}),
    "update with null lists": (
        "PATCH",
        "/attrs",
        {"list": {"valueList": [NULL]}, "way": {"objectList": [NULL]}},
        204,
        {"list": None, "way": None, "a": STORED["a"]},
    ),
    "update with a null type": ("PATCH", "/attrs", {"type": NULL}, 400, {"type": "Room"}),
    "update with a null datasetId": ("PATCH", "/attrs", {"a": prop(9, datasetId=NULL)}, 400, {"a": STORED["a"]}),
    "update of the scope": ("PATCH", "/attrs", {"scope": "/C"}, 204, {"scope": "/C"}),
    "update with a null scope": ("PATCH", "/attrs", {"scope": NULL}, 204, {"scope": None}),
    "update with a null expiresAt": ("PATCH", "/attrs", {"expiresAt": NULL}, 204, {"a": STORED["a"]}),
    "append of a null scope": ("POST", "/attrs", {"scope": NULL}, 400, {"scope": ["/A", "/B"]}),
    "append with a null member": ("POST", "/attrs", {"a": prop(9, unitCode=NULL)}, 400, {"a": STORED["a"]}),
    "append of scopes": ("POST", "/attrs?options=noOverwrite", {"scope": "/C"}, 204, {"scope": ["/A", "/B", "/C"]}),
    "partial update keeps the rest": ("PATCH", "/attrs/a", {"value": 9}, 204, {"a": prop(9, unitCode="CEL")}),
    "partial update of a dataset": (
        "PATCH",
        "/attrs/d",
        {"value": 9, "datasetId": "urn:d:1"},
        204,
        {"d": [prop(1), prop(9, datasetId="urn:d:1")]},
    ),
    "partial update deletes a sub-attribute": ("PATCH", "/attrs/sub", {"q": NULL}, 204, {"sub": prop(1)}),
    "partial update of a sub-attribute's dataset": (
        "PATCH",
        "/attrs/subs",
        {"q": prop(8, datasetId="urn:d:1")},
        204,
        {"subs": prop(1, q=[prop(5), prop(8, datasetId="urn:d:1")])},
    ),
    "partial update adds to a sub-attribute": (
        "PATCH",
        "/attrs/sub",
        {"q": prop(8, datasetId="urn:d:1")},
        204,
        {"sub": prop(1, q=[prop(2), prop(8, datasetId="urn:d:1")])},
    ),
    "partial update deletes a sub-attribute's default": (
        "PATCH",
        "/attrs/subs",
        {"q": NULL},
        204,
        {"subs": prop(1, q=prop(6, datasetId="urn:d:1"))},
    ),
    "partial update of the objectType": (
        "PATCH",
        "/attrs/rel",
        {"objectType": "Hall"},
        204,
        {"rel": {"type": "Relationship", "object": OTHER, "objectType": "Hall"}},
    ),
    "partial update deletes the objectType": (
        "PATCH",
        "/attrs/rel",
        {"objectType": NULL},
        204,
        {"rel": {"type": "Relationship", "object": OTHER}},
    ),
    "partial update of a Property's objectType": ("PATCH", "/attrs/a", {"objectType": "Hall"}, 400, {"a": STORED["a"]}),
    "the scope by its IRI is no attribute": ("POST", "/attrs", {SCOPE: 5}, 400, {"scope": ["/A", "/B"]}),
    "a time by its compact IRI is none": ("POST", "/attrs", {"ngsi-ld:createdAt": 5}, 400, {"a": STORED["a"]}),
    "nor is one below": ("POST", "/attrs", {"a": prop(9, **{"ngsi-ld:observedAt": "x"})}, 400, {"a": STORED["a"]}),
    "nor is a value below": ("POST", "/attrs", {"a": prop(9, **{"ngsi-ld:hasValue": 7})}, 400, {"a": STORED["a"]}),
    "two names of one sub-attribute": (
        "POST",
        "/attrs",
        {"a": prop(9, **{"below": 1, DEFAULT_VOCAB + "below": 2})},
        400,
        {"a": STORED["a"]},
    ),
    "delete the scope by its IRI": (
        "DELETE",
        "/attrs/https%3A%2F%2Furi.etsi.org%2Fngsi-ld%2Fscope",
        None,
        204,
        {"scope": None},
    ),
    "partial update deletes a member": ("PATCH", "/attrs/a", {"unitCode": NULL}, 204, {"a": prop(1)}),
    "partial update of a wrong type": ("PATCH", "/attrs/a", {"type": "Relationship", "object": OTHER}, 400, {}),
    "partial update of another type's member": ("PATCH", "/attrs/a", {"object": OTHER}, 400, {}),
    "partial update of nothing": ("PATCH", "/attrs/unknown", {"value": 1}, 404, {}),
    "partial update of no default": ("PATCH", "/attrs/only", {"value": 1}, 404, {}),
    "partial update of the scope": ("PATCH", "/attrs/scope", {"value": "/A"}, 400, {}),
    "partial update of a bad name": ("PATCH", "/attrs/in(valid", {"value": 1}, 400, {}),
    "partial update with a null value": ("PATCH", "/attrs/a", {"value": NULL}, 400, {"a": STORED["a"]}),
    "partial update with a null list": ("PATCH", "/attrs/list", {"valueList": [NULL]}, 400, {"list": LIST}),
    "partial update with a nested null": ("PATCH", "/attrs/a", {"value": {"x": NULL}}, 400, {"a": STORED["a"]}),
    "replace an attribute": ("PUT", "/attrs/a", prop(9), 204, {"a": prop(9)}),
    "replace one that is not there": ("PUT", "/attrs/unknown", prop(9), 404, {}),
    "replace by a null member": ("PUT", "/attrs/a", prop(9, unitCode=NULL), 400, {"a": STORED["a"]}),
    "replace by null": ("PUT", "/attrs/a", prop(NULL), 400, {"a": STORED["a"]}),
    "delete an attribute": ("DELETE", "/attrs/a", None, 204, {"a": None}),
    "delete the default only": ("DELETE", "/attrs/d", None, 204, {"d": prop(2, datasetId="urn:d:1")}),
    "delete one dataset": ("DELETE", "/attrs/d?datasetId=urn:d:1", None, 204, {"d": prop(1)}),
    "delete all": ("DELETE", "/attrs/d?deleteAll=true", None, 204, {"d": None}),
    "delete a default that is not there": ("DELETE", "/attrs/only", None, 404, {"only": STORED["only"]}),
    "delete an unknown attribute": ("DELETE", "/attrs/unknown", None, 404, {}),
    "delete an unknown dataset": ("DELETE", "/attrs/a?datasetId=urn:d:9", None, 404, {}),
    "delete with a bad dataset": ("DELETE", "/attrs/a?datasetId=nonsense", None, 400, {}),
    "merge": ("PATCH", "", {"a": {"type": "Property", "value": 9}}, 204, {"a": prop(9, unitCode="CEL")}),
    "merge of bare values": ("PATCH", "?options=keyValues", {"a": 9}, 204, {"a": prop(9, unitCode="CEL")}),
    "merge where format goes before options": (
        "PATCH",
        "?options=keyValues&format=normalized",
        {"a": {"unitCode": "FAH"}},
        204,
        {"a": prop(1, unitCode="FAH")},
    ),
    "merge of the id in two ways": ("PATCH", "", {"id": ID, "@id": OTHER, "a": 9}, 400, {"a": STORED["a"]}),
    "merge with a bad format": ("PATCH", "?format=nonsense", {"a": 9}, 400, {}),
    "merge with a bad time": ("PATCH", "?observedAt=today", {"a": 9}, 400, {}),
    "merge with a bad language": ("PATCH", "?lang=not+a+tag", {"a": 9}, 400, {}),
    "merge of another id": ("PATCH", "", {"id": OTHER, "a": 9}, 400, {}),
    "replace the entity": ("PUT", "", {"type": "Hall", "b": prop(1)}, 204, {"type": "Hall", "a": None, "b": prop(1)}),
    "replace by another id": ("PUT", "", room(OTHER), 400, {}),
    "replace without a type": ("PUT", "", {"id": ID, "b": prop(1)}, 400, {}),
    "the selected type": ("PATCH", "/attrs?type=Room", {"a": prop(9)}, 204, {"a": prop(9)}),
    "another type": ("PATCH", "/attrs?type=Hall", {"a": prop(9)}, 404, {"a": STORED["a"]}),
    "a type selection": ("DELETE", "/attrs/a?type=(Room|Hall)", None, 204, {"a": None}),
}


@pytest.mark.parametrize("case", OPERATIONS)
async def test_one_operation(client: httpx.AsyncClient, case: str) -> None:
    method, path, body, status, expected = OPERATIONS[case]
    assert (await client.post("/entities", json=STORED)).status_code == 201
    answer = await client.request(method, f"/entities/{ID}{path}", json=body)
    assert answer.status_code == status, answer.text
    found = await shown(client)
    assert {name: found.get(name) for name in expected} == expected
    if status >= 400:
        assert answer.json().keys() >= {"type", "title", "detail"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", room()),
        ("PATCH", "", {"a": prop(1)}),
        ("DELETE", "", None),
        ("POST", "/attrs", {"a": prop(1)}),
        ("PATCH", "/attrs", {"a": prop(1)}),
        ("PATCH", "/attrs/a", {"value": 1}),
        ("PUT", "/attrs/a", prop(1)),
        ("DELETE", "/attrs/a", None),
    ],
)
async def test_an_entity_that_is_not_there(client: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    answer = await client.request(method, f"/entities/{ID}{path}", json=body)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("ResourceNotFound")
    assert ID in answer.json()["detail"]
    answer = await client.request(method, f"/entities/invalidId{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("BadRequestData")


async def test_a_partly_refused_append_says_what_stayed(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=STORED)
    answer = await client.post(f"/entities/{ID}/attrs?options=noOverwrite", json={"a": prop(9), "new": prop(1)})
    assert answer.status_code == 207
    assert answer.headers["content-type"] == "application/json"
    assert "link" not in answer.headers  # so names are whole (6.3.6)
    assert answer.json()["updated"] == [f"{DEFAULT_VOCAB}new"]
    assert [item["attributeName"] for item in answer.json()["notUpdated"]] == [f"{DEFAULT_VOCAB}a"]
    assert answer.json()["notUpdated"][0]["reason"]


async def test_a_scope_is_updated_only_where_there_is_one(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=room())
    answer = await client.patch(f"/entities/{ID}/attrs", json={"scope": "/A"})
    assert answer.status_code == 207
    assert answer.json() == {"updated": [], "notUpdated": [{"attributeName": SCOPE, "reason": ANY}]}
    assert (await shown(client)).keys() == {"id", "type"}


async def test_what_says_nothing_new_is_updated_all_the_same(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=STORED)
    body = {"a": STORED["a"], "scope": "/C", "d": prop(NULL, datasetId="urn:d:9"), "new": 1}
    answer = await client.patch(f"/entities/{ID}/attrs", json=body)
    assert answer.status_code == 207
    assert set(answer.json()["updated"]) == {f"{DEFAULT_VOCAB}a", f"{DEFAULT_VOCAB}new", SCOPE}
    assert [item["attributeName"] for item in answer.json()["notUpdated"]] == [f"{DEFAULT_VOCAB}d"]


async def test_what_lasts_again_is_not_expired(client: httpx.AsyncClient) -> None:
    for how in ("/attrs", ""):
        await client.post("/entityOperations/upsert", json=[room(expiresAt="2099-01-01T00:00:00Z")])
        assert "expiresAt" in await shown(client, sysAttrs="true")
        assert (await client.patch(f"/entities/{ID}{how}", json={"expiresAt": NULL})).status_code == 204
        assert "expiresAt" not in await shown(client, sysAttrs="true")


async def test_created_at_survives_every_change(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=STORED)
    before = await shown(client, sysAttrs="true")
    await client.patch(f"/entities/{ID}/attrs/a", json={"value": 2})
    await client.patch(f"/entities/{ID}", json={"a": prop(3)})
    await client.put(f"/entities/{ID}", json=room(a=prop(4)))
    after = await shown(client, sysAttrs="true")
    assert after["createdAt"] == before["createdAt"]
    assert after["a"]["createdAt"] == before["a"]["createdAt"]
    assert after["modifiedAt"] > before["modifiedAt"]


async def test_what_expires_is_gone_and_stays_in_history(client: httpx.AsyncClient) -> None:
    soon = "2026-01-01T00:00:00Z"
    await client.post("/entities", json=room(a=prop(1, expiresAt=soon), b=prop(2)))
    await client.post("/entities", json=room(OTHER, expiresAt=soon, a=prop(1)))
    assert (await shown(client)).keys() == {"id", "type", "b"}
    assert (await client.get(f"/entities/{OTHER}")).status_code == 404
    assert (await client.get("/entities", params={"type": "Room", "count": "true", "limit": "0"})).headers[
        "ngsild-results-count"
    ] == "1"
    assert (await client.patch(f"/entities/{OTHER}/attrs", json={"a": prop(2)})).status_code == 404
    assert (await client.post("/entities", json=room(OTHER, b=prop(1)))).status_code == 201
    assert (await shown(client, OTHER)).keys() == {"id", "type", "b"}
    evolution = (await client.get(f"/temporal/entities/{OTHER}")).json()
    assert {item["value"] for item in evolution["a"]} >= {1}


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_the_ends_of_the_calendar_are_instants(client: httpx.AsyncClient, instant: str) -> None:
    is_past = instant < "2026"
    for body in (room(a=prop(1), expiresAt=instant), room(OTHER, b=prop(1), a=prop(1, expiresAt=instant))):
        assert (await client.post("/entities", json=body)).status_code == 201
    assert (await client.post("/entities", json=room("urn:x:3", a=prop(1, observedAt=instant)))).status_code == 201
    found = (await client.get("/entities?type=Room&attrs=a")).json()
    assert [item["id"] for item in found] == (["urn:x:3"] if is_past else [ID, OTHER, "urn:x:3"])
    assert found[-1]["a"] == prop(1, observedAt=instant)
    again = await client.post("/entityOperations/upsert", json=[room(a=prop(2), expiresAt=instant)])
    assert again.status_code == (201 if is_past else 204)
    assert (await client.get("/temporal/entities/urn:x:3")).json()["a"][0]["observedAt"] == instant


async def test_what_has_expired_is_not_asked(dsn: str) -> None:
    """Nor does it hide what is behind it; no clean-up comes by meanwhile."""
    past = "2026-01-01T00:00:00Z"
    point = {"type": "Point", "coordinates": [136.6, 36.5]}
    async with inside(dsn, expiry_pause=1000) as client:
        await client.get("/types")  # the first round of the clean-up is over
        await client.post(
            "/entities",
            json=room(
                a=prop(1, expiresAt=past),
                b=prop(2, s=prop(3, expiresAt=past)),
                c=[prop(4, expiresAt=past), prop(5, datasetId="urn:d:1")],
                location={"type": "GeoProperty", "value": point, "expiresAt": past},
            ),
        )
        near = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": "[136.6,36.5]"}
        for asked, number in (
            ({"q": "a==1"}, 0),
            ({"q": "b.s==3"}, 0),
            ({"q": "!a;!b.s;b==2"}, 1),
            ({"q": "c==4"}, 0),
            ({"q": "c==5"}, 1),
            ({"attrs": "a"}, 0),
            (near, 0),
        ):
            answer = await client.get("/entities", params={"type": "Room", "count": "true", **asked})
            assert len(answer.json()) == number, asked
            assert answer.headers["ngsild-results-count"] == str(number)
        assert (await client.get("/attributes/a")).status_code == 404
        version = (await client.post(f"/entities/{ID}/attrs", json={"late": prop(1, expiresAt=past)})).headers["etag"]
        without = await client.get(f"/entities/{ID}", headers={"If-None-Match": version})
        assert "late" not in without.json()
        assert without.headers["etag"] != version
        assert (await shown(client))["b"] == prop(2)


async def test_a_place_is_found_where_it_is_now(client: httpx.AsyncClient) -> None:
    def point(longitude: float) -> dict[str, Any]:
        return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, 36.5]}}

    async def found() -> int:
        near = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[136.6,36.5]"}
        return len((await client.get("/entities", params={**near, "geoproperty": "spot"})).json())

    await client.post("/entities", json=room(spot=point(136.6), a=prop(1)))
    assert await found() == 1
    for change, expected in (
        ({"a": prop(2)}, 1),
        ({"spot": point(137.6)}, 0),
        ({"spot": point(136.6)}, 1),
        ({"spot": prop(1)}, 0),
        ({"spot": point(136.6)}, 1),
        ({"spot": NULL}, 0),
    ):
        assert (await client.patch(f"/entities/{ID}/attrs", json=change)).status_code == 204
        assert await found() == expected, change


# members that GeoJSON does not know (RFC 7946, 6.1), and whether the geometry is taken; PostGIS reads some of them
FOREIGN: dict[str, tuple[Any, int]] = {
    "a named reference system": ({"crs": {"type": "name", "properties": {"name": "EPSG:4326"}}}, 201),
    "no reference system": ({"crs": None}, 201),
    "an empty reference system": ({"crs": {}}, 400),
    "a reference system without a name": ({"crs": {"type": "name", "properties": {}}}, 400),
    "a box and a style": ({"bbox": [136, 36, 137, 37], "style": {"colour": {"line": []}}}, 201),
    "a member of as many levels as may be": ({"style": json.loads("[" * 20 + "1" + "]" * 20)}, 201),
    "a member of many levels": ({"style": json.loads("[" * 40 + "]" * 40)}, 400),
}


@pytest.mark.parametrize("case", FOREIGN)
async def test_a_geometry_may_have_members_of_its_own(client: httpx.AsyncClient, case: str) -> None:
    members, status = FOREIGN[case]
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.6, 36.5], **members}}
    created = await client.post("/entities", json=room(spot=place))
    assert created.status_code == status, created.text
    if status == 201:
        assert (await client.get(f"/entities/{ID}")).json()["spot"] == place
    beside = await client.post("/entityOperations/upsert", json=[room(OTHER), room(spot=place)])
    assert beside.status_code == (201 if status == 201 else 207), beside.text  # its neighbour is written anyway
    assert (await client.get(f"/entities/{OTHER}")).status_code == 200
