"""History through the API: every temporal operation and its rules (GS CIM 009, 5.6.11 to 5.6.16, 5.7.3, 5.7.4)."""

from typing import Any

import httpx
import pytest

from tests.broker.evolving import DATASET, ID, PATH, at, evolution, prop, values
from tests.broker.running import inside


async def test_what_is_provided_as_history_is_known_to_the_core_api(series: httpx.AsyncClient) -> None:
    entity = (await series.get(f"/entities/{ID}")).json()
    assert (entity["t"]["value"], entity["t"]["observedAt"]) == (40, at(4))
    assert entity["name"]["value"] == "b"


async def test_a_second_upsert_adds_instances_and_types(series: httpx.AsyncClient) -> None:
    body = {"id": ID, "type": ["Room", "Lab"], "t": [prop(25, 2), prop(50, 5)]}
    assert (await series.post("/temporal/entities", json=body)).status_code == 204
    assert await values(series) == [10, 25, 30, 40, 50]
    assert set((await series.get(f"/entities/{ID}")).json()["type"]) == {"Room", "Lab"}


async def test_late_instances_leave_the_current_value(series: httpx.AsyncClient) -> None:
    assert (await series.post(f"{PATH}/attrs", json={"t": [prop(15, 0)]})).status_code == 204
    assert (await series.get(f"/entities/{ID}")).json()["t"]["value"] == 40
    assert await values(series) == [15, 10, 20, 30, 40]
    unknown = await series.post("/temporal/entities/urn:ngsi-ld:Room:9/attrs", json={"t": [prop(1, 1)]})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [10, 20, 30, 40]),
        ({"timerel": "before", "timeAt": at(2)}, [10]),
        ({"timerel": "after", "timeAt": at(2)}, [20, 30, 40]),
        ({"timerel": "between", "timeAt": at(2), "endTimeAt": at(4)}, [20, 30]),
        ({"timerel": "between", "timeAt": "2026-06-19T11:00:00+09:00", "endTimeAt": at(4)}, [20, 30]),
        ({"lastN": 2}, [40, 30]),
        ({"lastN": 2, "timerel": "before", "timeAt": at(4)}, [30, 20]),
        ({"timerel": "after", "timeAt": "2000-01-01T00:00:00Z", "timeproperty": "modifiedAt"}, [10, 20, 30, 40]),
        ({"timerel": "before", "timeAt": "2000-01-01T00:00:00Z", "timeproperty": "createdAt"}, []),
        ({"timerel": "after", "timeAt": at(1), "timeproperty": "deletedAt"}, []),
        ({"pick": "name"}, []),
        ({"omit": "name"}, [10, 20, 30, 40]),
        ({"attrs": "t"}, [10, 20, 30, 40]),
        ({"datasetId": DATASET}, []),
        ({"datasetId": "@none"}, [10, 20, 30, 40]),
    ],
)
async def test_time_ranges_and_projections(series: httpx.AsyncClient, params: dict[str, Any], expected: Any) -> None:
    assert await values(series, **params) == expected


@pytest.mark.parametrize(
    ("params", "kind", "word"),
    [
        ({"timerel": "before"}, "BadRequestData", "timeAt"),
        ({"timeAt": at(1)}, "BadRequestData", "timerel"),
        ({"timerel": "during", "timeAt": at(1)}, "BadRequestData", "timerel"),
        ({"timerel": "before", "timeAt": "2026-06-19T01:00:00"}, "BadRequestData", "zone"),
        ({"timerel": "before", "timeAt": "yesterday"}, "BadRequestData", "timeAt"),
        ({"timerel": "between", "timeAt": at(2)}, "BadRequestData", "endTimeAt"),
        ({"timerel": "between", "timeAt": at(2), "endTimeAt": at(1)}, "BadRequestData", "endTimeAt"),
        ({"timerel": "before", "timeAt": at(2), "endTimeAt": "soon"}, "BadRequestData", "endTimeAt"),
        ({"timeproperty": "observed"}, "BadRequestData", "timeproperty"),
        ({"lastN": "0"}, "BadRequestData", "lastN"),
        ({"lastN": "-1"}, "BadRequestData", "lastN"),
        ({"lastN": "x"}, "BadRequestData", "lastN"),
        ({"pick": "t{x}"}, "BadRequestData", "linked"),
        ({"attrs": "t", "pick": "t"}, "BadRequestData", "pick"),
        ({"datasetId": "x y"}, "BadRequestData", "datasetId"),
        ({"format": "nothing"}, "BadRequestData", "format"),
        ({"aggrMethods": "avg"}, "BadRequestData", "aggregatedValues"),
        ({"nonsense": "1"}, "InvalidRequest", "nonsense"),
    ],
)
async def test_bad_questions_are_refused(series: httpx.AsyncClient, params: Any, kind: str, word: str) -> None:
    answer = await series.get(PATH, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].endswith("/" + kind)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"type": "Room"}, "id"),
        ({"id": ID}, "type"),
        (evolution(t=[{"type": "Property"}]), "value"),
        (evolution(t=[{"type": "Property", "value": 1, "observedAt": "2026-06-19T01:00:00"}]), "observedAt"),
        (evolution(t=[{"type": "Property", "value": "urn:ngsi-ld:null"}]), "deletedAt"),
        (evolution(location=[prop(1, 1)]), "GeoProperty"),
        (evolution(scope=[{"type": "Property", "value": "not a scope"}]), "scope"),
        (evolution(scope=[{"type": "Relationship", "object": "urn:a:1"}]), "scope"),
        (evolution(scope=[{"type": "Property", "value": "/a", "unitCode": "CEL"}]), "unitCode"),
        (evolution(scope=[{"type": "Property", "value": "/a", "by": {"value": 1}}]), "by"),
        (evolution(scope=[{"type": "Property", "value": "/a", "deletedAt": at(1)}]), "deletedAt"),
        (evolution(scope=[{"type": "Property", "value": "urn:ngsi-ld:null"}]), "deletedAt"),
    ],
)
async def test_bad_evolutions_are_refused(client: httpx.AsyncClient, body: Any, word: str) -> None:
    answer = await client.post("/temporal/entities", json=body)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["detail"]


KINDS = [
    ({"type": "Property", "value": 0}, "values", 0),
    ({"type": "Property", "value": False}, "values", False),
    ({"type": "Property", "value": ""}, "values", ""),
    ({"type": "Property", "value": [1, "x"]}, "values", [1, "x"]),
    ({"type": "Property", "value": {"a": {"b": None}}}, "values", {"a": {"b": None}}),
    ({"type": "Property", "value": 9007199254740993}, "values", 9007199254740993),
    ({"type": "Property", "value": 1.222e-11}, "values", 1.222e-11),
    ({"type": "Relationship", "object": "urn:ngsi-ld:B:1"}, "objects", "urn:ngsi-ld:B:1"),
    ({"type": "Relationship", "object": ["urn:a:1", "urn:a:2"]}, "objects", ["urn:a:1", "urn:a:2"]),
    (
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.65, 36.5]}},
        "values",
        {"type": "Point", "coordinates": [136.65, 36.5]},
    ),
    ({"type": "LanguageProperty", "languageMap": {"ja": "雪"}}, "languageMaps", {"languageMap": {"ja": "雪"}}),
    ({"type": "VocabProperty", "vocab": "Snow"}, "vocabs", {"vocab": "Snow"}),
    ({"type": "ListProperty", "valueList": [1, 2]}, "valueLists", [1, 2]),
    ({"type": "ListRelationship", "objectList": [{"object": "urn:a:1"}]}, "objectLists", ["urn:a:1"]),
    ({"type": "JsonProperty", "json": {"id": None}}, "jsons", {"json": {"id": None}}),
]


@pytest.mark.parametrize(("attribute", "plural", "value"), KINDS)
async def test_every_kind_comes_back_exactly(
    client: httpx.AsyncClient, attribute: dict[str, Any], plural: str, value: Any
) -> None:
    instance = {**attribute, "observedAt": at(1)}
    assert (await client.post("/temporal/entities", json=evolution(a=[instance]))).status_code == 201
    shown = (await client.get(PATH)).json()["a"][0]
    assert shown.pop("instanceId").startswith("urn:ngsi-ld:instance:")
    assert shown == instance
    simplified = (await client.get(PATH, params={"format": "temporalValues"})).json()["a"]
    assert simplified == {"type": attribute["type"], plural: [[value, at(1)]]}


async def test_members_and_sub_attributes_survive(client: httpx.AsyncClient) -> None:
    instance = prop(
        1,
        1,
        unitCode="CEL",
        quality={"type": "Property", "value": 0.9},
        by={"type": "Relationship", "object": "urn:a:1"},
    )
    await client.post("/temporal/entities", json=evolution(t=[instance]))
    shown = (await client.get(PATH)).json()["t"][0]
    del shown["instanceId"]
    assert shown == instance
    stamped = (await client.get(PATH, params={"options": "sysAttrs"})).json()
    assert {"createdAt", "modifiedAt"} <= stamped.keys()
    assert {"createdAt", "modifiedAt"} <= stamped["t"][0].keys()
    concise = (await client.get(PATH, params={"options": "concise"})).json()["t"][0]
    assert "type" not in concise
    assert concise["value"] == 1


async def test_datasets_are_series_of_their_own(client: httpx.AsyncClient) -> None:
    roof = [prop(100 + hour, hour, datasetId=DATASET) for hour in (1, 2)]
    await client.post("/temporal/entities", json=evolution(t=[prop(1, 1), *roof]))
    assert sorted(await values(client)) == [1, 101, 102]
    assert await values(client, datasetId=DATASET) == [101, 102]
    assert await values(client, lastN=1) == [102]
    simplified = (await client.get(PATH, params={"options": "temporalValues"})).json()["t"]
    assert {item.get("datasetId"): len(item["values"]) for item in simplified} == {None: 1, DATASET: 2}
    entity = (await client.get(f"/entities/{ID}")).json()["t"]
    assert sorted(item["value"] for item in entity) == [1, 102]
    assert (await client.delete(f"{PATH}/attrs/t?datasetId={DATASET}")).status_code == 204
    assert await values(client) == [1]


async def test_a_language_is_chosen(client: httpx.AsyncClient) -> None:
    snow = {"type": "LanguageProperty", "languageMap": {"ja": "雪", "en": "snow"}, "observedAt": at(1)}
    await client.post("/temporal/entities", json=evolution(what=[snow]))
    shown = (await client.get(PATH, params={"lang": "ja"})).json()["what"][0]
    assert (shown["type"], shown["value"], shown["lang"]) == ("Property", "雪", "ja")


async def test_instances_without_time_are_kept_apart(client: httpx.AsyncClient) -> None:
    body = evolution(t=[{"type": "Property", "value": value} for value in (1, 2, 3)])
    assert (await client.post("/temporal/entities", json=body)).status_code == 201
    assert await values(client) == [1, 2, 3]
    assert (await client.get(f"/entities/{ID}")).json()["t"]["value"] == 3
    assert await values(client, timerel="after", timeAt=at(1)) == []  # they have no observedAt (4.11)
    assert await values(client, timerel="after", timeAt=at(1), timeproperty="modifiedAt") == [1, 2, 3]


async def test_scopes_have_a_history(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json={"id": ID, "type": "Room", "scope": "/Kanazawa/Korinbo", "t": 1})
    await client.post(f"/entities/{ID}/attrs", json={"scope": ["/Kanazawa/Katamachi", "/Demo"]})
    scopes = (await client.get(PATH)).json()["scope"]
    assert [item["value"] for item in scopes] == ["/Kanazawa/Korinbo", ["/Kanazawa/Katamachi", "/Demo"]]
    assert all(item["type"] == "Property" and "observedAt" in item for item in scopes)
    assert "scope" not in (await client.get(PATH, params={"omit": "scope"})).json()
    given = evolution(scope=[{"type": "Property", "value": "/Old", "observedAt": at(1)}])
    assert (await client.post("/temporal/entities", json=given)).status_code == 204
    assert (await client.get(PATH)).json()["scope"][0]["value"] == "/Old"


async def test_all_core_writes_feed_history(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=evolution(t=1))
    await client.patch(f"/entities/{ID}/attrs", json={"t": 2})
    await client.patch(f"/entities/{ID}/attrs/t", json={"value": 3})
    await client.put(f"/entities/{ID}", json=evolution(t=4))
    await client.post("/entityOperations/update", json=[evolution(t=5)])
    assert await values(client) == [1, 2, 3, 4, 5]


async def test_a_setting_lets_history_go_with_its_entity(dsn: str) -> None:
    async with inside(dsn, delete_history_with_entity=True) as client:
        await client.post("/temporal/entities", json=evolution(t=[prop(1, 1)]))
        assert (await client.delete(f"/entities/{ID}")).status_code == 204
        assert (await client.get(PATH)).status_code == 404
        assert (await client.post("/temporal/entities", json=evolution(t=[prop(2, 2)]))).status_code == 201
        assert await values(client) == [2]


async def test_no_instances_are_none(series: httpx.AsyncClient) -> None:
    """As a part of an evolution has it that was cut away whole (6.3.10)."""
    body = evolution(t=[], scope=[], name=[prop("c", 5)])
    assert (await series.post("/temporal/entities", json=body)).status_code == 204
    assert await values(series) == [10, 20, 30, 40]
    assert "scope" not in (await series.get(PATH)).json()
    target = f"{PATH}/attrs/t/{(await series.get(PATH)).json()['t'][0]['instanceId']}"
    assert (await series.patch(target, json={"t": []})).status_code == 400


async def test_a_fragment_is_about_the_entity_of_the_path(series: httpx.AsyncClient) -> None:
    target = f"{PATH}/attrs/t/{(await series.get(PATH)).json()['t'][0]['instanceId']}"
    for entity, status in ((ID, 204), ("urn:ngsi-ld:Room:9", 400)):
        body = {"id": entity, "t": [prop(1, 1)]}
        assert (await series.post(f"{PATH}/attrs", json=body)).status_code == status
        assert (await series.patch(target, json=body)).status_code == status


async def test_the_same_value_without_time_is_a_new_instance(client: httpx.AsyncClient) -> None:
    await client.post("/temporal/entities", json=evolution(t=[{"type": "Property", "value": 5}] * 2))
    assert (await client.post(f"{PATH}/attrs", json={"t": 5})).status_code == 204
    assert await values(client) == [5, 5, 5]


async def test_a_late_scope_leaves_the_current_one(client: httpx.AsyncClient) -> None:
    def scope(value: str, hour: int) -> dict[str, Any]:
        return {"scope": [{"type": "Property", "value": value, "observedAt": at(hour)}]}

    for value, hour in (("/Two", 2), ("/One", 1), ("/Three", 3)):
        assert (await client.post("/temporal/entities", json=evolution(**scope(value, hour)))).status_code in (201, 204)
        assert (await client.get(f"/entities/{ID}")).json()["scope"] == ("/Two" if hour < 3 else "/Three")
    assert await values(client, "scope") == ["/One", "/Two", "/Three"]


async def test_instances_of_one_time_have_an_order(client: httpx.AsyncClient) -> None:
    names = [f"urn:ngsi-ld:Dataset:{number}" for number in range(9)]
    many = [prop(number, 1, datasetId=name) for number, name in enumerate(names)]
    await client.post("/temporal/entities", json=evolution(t=many, u=[prop(1, 1)]))
    await client.post(f"{PATH}/attrs", json={"t": [prop(9, 2, datasetId=names[4])]})
    found = [(await client.get(PATH)).json() for _ in range(3)]
    assert found[0] == found[1] == found[2]
    newest = [await values(client, lastN=3, timerel="before", timeAt=at(2)) for _ in range(3)]
    assert newest[0] == newest[1] == newest[2]
    # of instances written at once the one observed last is the last
    many = [prop(hour, hour) for hour in range(10)]
    await client.post("/temporal/entities", json={"id": "urn:ngsi-ld:Room:2", "type": "Room", "t": many})
    since = {"timerel": "after", "timeAt": at(0), "timeproperty": "createdAt", "lastN": 2}
    answer = await client.get("/temporal/entities/urn:ngsi-ld:Room:2", params=since)
    assert [item["value"] for item in answer.json()["t"]] == [9, 8]


async def test_no_instant_is_told_in_parts(dsn: str) -> None:
    """As the stations of a city report on the hour, more of them than fit into one answer."""
    async with inside(dsn, temporal_limit=3) as client:
        for number in range(5):
            body = {
                "id": f"urn:ngsi-ld:Room:{number}",
                "type": "Room",
                "t": [prop(hour, hour) for hour in (1, 2, 3, 4)],
            }
            assert (await client.post("/temporal/entities", json=body)).status_code == 201
        for params, hour in (({}, 1), ({}, 3), ({}, 4), ({"lastN": 3}, 4)):
            since = at(hour - 1).replace("00Z", "01Z")
            asked = {"type": "Room", "timerel": "after", "timeAt": since, **params}
            answer = await client.get("/temporal/entities", params=asked)
            assert [item["value"] for room in answer.json() for item in room["t"]] == [hour] * 5
            assert answer.status_code == 206
            assert f"-{at(hour)}/" in answer.headers["content-range"]
        created = {"timerel": "after", "timeAt": at(1), "timeproperty": "createdAt"}
        answer = await client.get("/temporal/entities/urn:ngsi-ld:Room:0", params=created)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "TooManyResults")


async def test_what_is_deleted_is_the_null_of_its_type(client: httpx.AsyncClient) -> None:
    null = "urn:ngsi-ld:null"
    told = {
        "list": {"type": "ListProperty", "valueList": [null]},
        "way": {"type": "ListRelationship", "objectList": [{"object": null}]},
        "name": {"type": "LanguageProperty", "languageMap": {"@none": null}},
        "link": {"type": "Relationship", "object": null},
    }
    body = {
        "id": "urn:ngsi-ld:Room:9",
        "type": "Room",
        "list": {"valueList": [1]},
        "way": {"objectList": ["urn:x:1"]},
        "name": {"languageMap": {"ja": "金沢"}},
        "link": {"object": "urn:x:1"},
    }
    assert (await client.post("/entities", json=body)).status_code == 201
    gone = await client.patch("/entities/urn:ngsi-ld:Room:9/attrs", json=dict.fromkeys(told, null))
    assert gone.status_code == 204
    for form in ("normalized", "concise", "temporalValues"):
        query = f"timeproperty=deletedAt&format={form}"
        answer = await client.get(f"/temporal/entities/urn:ngsi-ld:Room:9?{query}")
        assert answer.status_code == 200, answer.text
        if form == "normalized":
            found = {name: answer.json()[name][0] for name in told}
            assert {name: {key: found[name][key] for key in told[name]} for name in told} == told
