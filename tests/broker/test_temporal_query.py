"""Queries over history (GS CIM 009, 5.7.4)."""

from typing import Any

import httpx
import pytest

from tests.broker.evolving import PATH, at, evolution, prop


async def query(client: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/temporal/entities", params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"][-1] for item in answer.json()]


@pytest.fixture
async def rooms(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Room 1 was warm in the morning, 2 in the evening; 2 is deleted; 3 has no readings."""
    for number, warm in ((1, 2), (2, 20)):
        room = {
            "id": f"urn:ngsi-ld:Room:{number}",
            "type": "Room",
            "scope": f"/City/{'A' if number == 1 else 'B'}",
            "name": {"type": "Property", "value": f"room {number}"},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.6 + number, 36.5]}},
        }
        assert (await client.post("/entities", json=room)).status_code == 201
        readings = [prop(30 if hour == warm else 10, hour) for hour in range(24)]
        await client.post(f"/temporal/entities/{room['id']}/attrs", json={"t": readings})
    await client.delete("/entities/urn:ngsi-ld:Room:2")
    await client.post("/entities", json={"id": "urn:ngsi-ld:Room:3", "type": "Room", "name": "room 3"})
    return client


DAY = {"type": "Room", "timerel": "between", "timeAt": at(0), "endTimeAt": at(0, 20)}


MORNING = {**DAY, "endTimeAt": at(12)}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (DAY, ["1", "2"]),
        ({**DAY, "q": "t>20"}, ["1", "2"]),
        ({**MORNING, "q": "t>20"}, ["1"]),
        ({**MORNING, "q": 'name=="room 2"'}, ["2"]),
        ({**DAY, "timeAt": at(0, 25), "endTimeAt": at(0, 26)}, []),
        ({**DAY, "attrs": "t"}, ["1", "2"]),
        ({**DAY, "attrs": "u"}, []),
        ({**DAY, "id": "urn:ngsi-ld:Room:2"}, ["2"]),
        ({**DAY, "idPattern": "1$"}, ["1"]),
        ({**DAY, "type": "Hall"}, []),
        ({**DAY, "type": "Hall|Room", "limit": 1, "offset": 1}, ["2"]),
        ({**DAY, "orderBy": "id;desc", "local": "true"}, ["2", "1"]),
        ({**DAY, "orderBy": "id;desc", "type": "*", "collation": "ja", "splitEntities": "false"}, ["2", "1"]),
        ({**DAY, "georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[138.6,36.5]"}, ["2"]),
        ({**DAY, "timerel": "before"}, []),
        (
            {"type": "Room", "timerel": "after", "timeAt": "2026-06-30T00:00:00Z", "timeproperty": "modifiedAt"},
            ["1", "2", "3"],
        ),
        ({"type": "Room", "timerel": "after", "timeAt": "2026-06-30T00:00:00Z", "timeproperty": "deletedAt"}, ["2"]),
    ],
)
async def test_queries_look_at_the_time_range(rooms: httpx.AsyncClient, params: dict[str, Any], expected: Any) -> None:
    if params.get("timerel") == "before":
        params = {name: value for name, value in params.items() if name != "endTimeAt"}
    assert await query(rooms, **params) == expected


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"pick": "zzz"}, []),
        ({"pick": "t"}, ["t"]),
        ({"pick": "t", "timeAt": at(0, 25), "timeproperty": "observedAt"}, []),  # nothing in the range
        ({"omit": "id,type,t,name,location,scope"}, []),
        ({"pick": "zzz", "options": "temporalValues"}, []),
        ({"pick": "zzz", "options": "aggregatedValues", "aggrMethods": "totalCount"}, []),
        ({"pick": "t", "options": "aggregatedValues", "aggrMethods": "totalCount"}, ["t"]),
    ],
)
async def test_an_entity_of_which_nothing_is_picked_stays_out(
    rooms: httpx.AsyncClient, params: dict[str, str], found: list[str]
) -> None:
    window = {"timerel": "after", "timeAt": at(0), "timeproperty": "modifiedAt", **params}
    answer = await rooms.get("/temporal/entities", params={"type": "Room", "id": "urn:ngsi-ld:Room:1", **window})
    assert (answer.status_code, [list(body) for body in answer.json()]) == (200, [found] if found else [])
    answer = await rooms.get("/temporal/entities/urn:ngsi-ld:Room:1", params=window)
    assert answer.status_code == (200 if found else 404), answer.text
    assert found or answer.json()["type"].endswith("/ResourceNotFound")


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"type": "Room"}, "timerel"),
        ({"timerel": "after", "timeAt": at(1)}, "wide"),
        ({**DAY, "orderBy": "id"}, "local"),
        ({**DAY, "orderBy": "t", "local": "true"}, "orderBy"),
        ({**DAY, "orderBy": "id", "local": "true", "collation": "nonsense-xx"}, "collation"),
        ({**DAY, "q": "t=="}, "q"),
        ({**DAY, "id": "nonsense"}, "nonsense"),
    ],
)
async def test_bad_queries_are_refused(rooms: httpx.AsyncClient, params: dict[str, Any], word: str) -> None:
    answer = await rooms.get("/temporal/entities", params=params)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["detail"]


async def test_pages_are_linked_and_counted(rooms: httpx.AsyncClient) -> None:
    answer = await rooms.get("/temporal/entities", params={**DAY, "limit": 1, "count": "true"})
    assert answer.headers["ngsild-results-count"] == "2"
    assert 'rel="next"' in answer.headers["link"]
    assert "offset=1" in answer.headers["link"]
    last = await rooms.get("/temporal/entities", params={**DAY, "limit": 1, "offset": 1})
    assert 'rel="next"' not in last.headers["link"]


async def test_a_query_may_come_as_a_body(rooms: httpx.AsyncClient) -> None:
    body = {
        "type": "Query",
        "entities": [{"type": "Room", "id": "urn:ngsi-ld:Room:1"}],
        "q": "t>20",
        "pick": ["id", "t"],
        "temporalQ": {"timerel": "between", "timeAt": at(0), "endTimeAt": at(3), "lastN": 2},
    }
    answer = await rooms.post("/temporal/entityOperations/query", json=body)
    assert answer.status_code == 200, answer.text
    (entity,) = answer.json()
    assert "type" not in entity
    assert [item["value"] for item in entity["t"]] == [30, 10]
    aggregation = {"aggrMethods": ["max"], "aggrPeriodDuration": "PT1H"}
    # told apart (5.2.44), or with the temporal query, as it was before (5.2.21)
    for more in ({"aggrParams": aggregation}, {"temporalQ": {**body["temporalQ"], **aggregation}}):
        answer = await rooms.post("/temporal/entityOperations/query?format=aggregatedValues", json={**body, **more})
        assert answer.json()[0]["t"]["max"][-1] == [30, at(2), at(3)]
    misspelt = {**body["temporalQ"], "lastn": 2}
    for wrong in ({}, {"timerel": "between"}, {"timerel": "before", "timeAt": 5}, [1], misspelt):
        answer = await rooms.post("/temporal/entityOperations/query", json={**body, "temporalQ": wrong})
        assert answer.status_code == 400
    misspelt = {**body, "aggrParams": {**aggregation, "aggrPeriod": "PT1H"}}
    answer = await rooms.post("/temporal/entityOperations/query?format=aggregatedValues", json=misspelt)
    assert (answer.status_code, "aggrPeriod" in answer.json()["detail"]) == (400, True)


async def test_a_body_orders_by_id_and_reaches_into_nothing(rooms: httpx.AsyncClient) -> None:
    window = {name: DAY[name] for name in ("timerel", "timeAt", "endTimeAt")}
    body = {"type": "Query", "entities": [{"type": "Room"}], "pick": ["id"], "temporalQ": window}

    async def ask(more: dict[str, Any], **params: str) -> httpx.Response:
        return await rooms.post("/temporal/entityOperations/query", json={**body, **more}, params=params)

    found = await ask({"ordering": {"orderBy": ["id;desc"], "collation": "ja"}}, local="true")
    assert [item["id"][-1] for item in found.json()] == ["2", "1"]
    for wrong in ({"join": "inline"}, {"ordering": {"orderBy": ["id"]}}, {"splitEntities": "maybe"}):
        assert (await ask(wrong)).status_code == 400, wrong
    for wrong in ({"ordering": {"orderBy": ["t"]}}, {"ordering": {"orderBy": ["id"], "collation": "x x"}}):
        assert (await ask(wrong, local="true")).status_code == 400, wrong
    assert (await ask({"entityMap": True})).status_code == 422
    assert (await ask({"splitEntities": True, "join": "@none"})).status_code == 200


async def test_evolutions_for_askers_of_an_earlier_version(client: httpx.AsyncClient) -> None:
    vocab = [{"type": "VocabProperty", "vocab": name, "observedAt": at(hour)} for hour, name in ((1, "A"), (2, "B"))]
    await client.post("/temporal/entities", json=evolution(v=vocab, t=[prop(1, 1)], scope="/S"))
    old = {"Prefer": "ngsi-ld=1.3"}
    answer = await client.get(PATH, headers=old)
    assert (answer.status_code, answer.headers["preference-applied"]) == (203, "ngsi-ld=1.3")
    assert [(item["type"], item["value"]) for item in answer.json()["v"]] == [("Property", "A"), ("Property", "B")]
    assert "scope" not in answer.json()
    simple = await client.get(PATH, params={"format": "temporalValues"}, headers=old)
    assert simple.json()["v"]["values"] == [["A", at(1)], ["B", at(2)]]
    same = await client.get(PATH, params={"pick": "t"}, headers=old)
    assert (same.status_code, same.headers["preference-applied"]) == (200, "ngsi-ld=1.3")
    several = await client.get("/temporal/entities", params={**DAY, "attrs": "v"}, headers=old)
    assert (several.status_code, len(several.json())) == (203, 1)


@pytest.mark.parametrize(
    ("params", "shown", "status"),
    [
        ({"pick": "type,d"}, {"type": "A", "d": [2]}, 203),
        ({"pick": "t"}, {"t": [1, 3]}, 203),
        ({"pick": "type,d,t", "lastN": "1"}, {"type": "A", "d": [4], "t": [3]}, 203),
        ({"pick": "d,t", "options": "temporalValues"}, {"d": [2], "t": [1, 3]}, 203),
        ({"pick": "s", "options": "temporalValues"}, {"s": [7]}, 200),
        ({"pick": "type,s", "options": "temporalValues"}, {"type": "A", "s": [7]}, 203),
        ({"pick": "id", "options": "aggregatedValues"}, {"id": evolution()["id"]}, 200),
        ({"pick": "type", "options": "aggregatedValues"}, {"type": "A"}, 203),
    ],
)
async def test_the_first_version_knows_one_type_and_one_dataset(
    client: httpx.AsyncClient, params: dict[str, str], shown: Any, status: int
) -> None:
    d = [prop(2, 1, datasetId="urn:d:1"), prop(4, 2, datasetId="urn:d:2")]
    t = [prop(1, 1), prop(2, 2, datasetId="urn:d:1"), prop(3, 3)]
    body = {**evolution(d=d, t=t, s=[prop(7, 1, unitCode="CEL")]), "type": ["A", "B"]}
    assert (await client.post("/temporal/entities", json=body)).status_code == 201
    aggregated = {"aggrMethods": "max"} if "aggregatedValues" in params.values() else {}
    for path, more in ((PATH, {}), ("/temporal/entities", {**DAY, "type": "B"})):
        params = {**more, **aggregated, **params}
        answer = await client.get(path, params=params, headers={"Prefer": "NGSI-LD=1.0"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (status, "ngsi-ld=1.0"), answer.text
        found = answer.json()[0] if more else answer.json()
        assert {name: _values(value) for name, value in found.items()} == shown


def _values(shown: Any) -> Any:
    """The values of an attribute's instances, of its simplified form too; any other member as it is."""
    if isinstance(shown, dict):
        return [value for value, _ in shown["values"]]
    return [item["value"] for item in shown] if isinstance(shown, list) else shown


def scoped(value: str | list[str], hour: int) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at(hour)}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"scopeQ": "/Madrid/Centro"}, ["1", "2"]),
        ({"scopeQ": "/Madrid/#"}, ["1", "2", "3"]),
        ({"scopeQ": "/Company"}, ["2"]),
        ({"scopeQ": "/Company;/Madrid/Centro"}, ["2"]),
        ({"scopeQ": "/Company;/Madrid/Cortes"}, []),  # not at one time
        ({"scopeQ": "/Madrid/Cortes"}, ["2", "3"]),
        ({"scopeQ": "/Madrid/Sol"}, []),
        ({"scopeQ": "/Madrid/Cortes", "endTimeAt": at(10)}, ["2", "3"]),
        ({"scopeQ": "/Madrid/Centro", "endTimeAt": at(10)}, ["1"]),
        ({"scopeQ": "/Plain"}, ["4"]),
        ({"scopeQ": "/Madrid/Centro", "timerel": "before"}, ["1", "2", "3"]),
        ({"scopeQ": "/Madrid/Centro", "timerel": "before", "endTimeAt": at(10)}, ["1", "3"]),
        ({"scopeQ": "/Madrid/Sol", "timerel": "before"}, []),
        ({"scopeQ": "/Plain", "timerel": "before"}, ["4"]),
    ],
)
async def test_scopes_are_those_of_the_time_range(
    client: httpx.AsyncClient, params: dict[str, Any], expected: Any
) -> None:
    """A scope matches when it held in the time range, set before it or in it (C.5.16)."""
    scopes = {
        1: [scoped("/Madrid/Centro", 6), scoped("/Madrid/Sol", 20)],
        2: [scoped("/Madrid/Cortes", 7), scoped(["/Madrid/Centro", "/Company"], 11)],
        3: [scoped("/Madrid/Centro", 2), scoped("/Madrid/Cortes", 5)],
        4: "/Plain",  # known since now: nothing is known of the time before
    }
    for number, scope in scopes.items():
        body = {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "scope": scope, "t": [prop(1, 9), prop(2, 13)]}
        assert (await client.post("/temporal/entities", json=body)).status_code == 201
    window = {"type": "Room", "timerel": "between", "timeAt": at(8), "endTimeAt": at(14), **params}
    if window["timerel"] == "before":
        window["timeAt"] = window.pop("endTimeAt")
    assert await query(client, **window) == expected
