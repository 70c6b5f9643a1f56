"""GET /entities, GET /entities/{id} and POST /entityOperations/query on one small world (5.7.1, 5.7.2, 4.5)."""

import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio

from broker.app import create_app
from broker.settings import Settings
from broker.store import migrate

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "http://127.0.0.1:1026/ngsi-ld/v1"
GEO = {"Accept": "application/geo+json"}
LD = {"Accept": "application/ld+json"}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
CITY, HANA, TARO = "urn:ngsi-ld:City:Kanazawa", "urn:ngsi-ld:Person:Hana", "urn:ngsi-ld:Person:Taro"
STORE, BARE, NOBODY = "urn:ngsi-ld:Store:1", "urn:ngsi-ld:Store:2", "urn:ngsi-ld:Person:Nobody"
POINT = {"type": "Point", "coordinates": [136.65, 36.57]}
GATE = {"type": "Point", "coordinates": [136.66, 36.58]}
WORLD: list[dict[str, Any]] = [
    {
        "id": CITY,
        "type": "City",
        "name": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": "Kanazawa"}},
        "location": POINT,
    },
    {
        "id": HANA,
        "type": ["Person", "Owner"],
        "name": "花",
        "age": 41,
        "livesIn": {"object": CITY},
        "friend": {"object": TARO},
    },
    {"id": TARO, "type": "Person", "name": "太郎", "age": 39, "friend": {"object": HANA}},
    {
        "id": STORE,
        "type": "Store",
        "scope": "/Ishikawa/Kanazawa",
        "name": {"type": "LanguageProperty", "languageMap": {"ja": "店", "en": "Store", "fr": "Magasin"}},
        "owner": {"object": HANA, "since": 2020},
        "staff": {"object": [TARO, NOBODY, HANA]},
        "route": {"objectList": [CITY, NOBODY, HANA]},
        "kind": {"vocab": "Bakery"},
        "price": [{"value": 100, "unitCode": "JPY"}, {"value": 1, "datasetId": "urn:d:eur"}],
        "location": POINT,
        "gate": [{"type": "GeoProperty", "value": GATE, "datasetId": "urn:d:east"}],
        "entrances": [
            {"type": "GeoProperty", "value": POINT, "datasetId": "urn:d:east"},
            {"type": "GeoProperty", "value": GATE, "datasetId": "urn:d:west"},
        ],
    },
    {"id": BARE, "type": "Store", "name": "裸", "owner": {"object": NOBODY}, "location2": 5},
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def http(server: str) -> AsyncIterator[httpx.AsyncClient]:
    """A broker that knows WORLD; its tests only read."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {name}")
    dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await migrate.run(dsn)
    app = create_app(Settings(database_url=dsn))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(transport=transport, base_url=BASE) as client,
    ):
        for entity in WORLD:
            assert (await client.post("/entities", json=entity)).status_code == 201
        yield client
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def get(http: httpx.AsyncClient, path: str, headers: Any = None, **params: Any) -> Any:
    answer = await http.get(path, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def retrieved(http: httpx.AsyncClient, entity_id: str, headers: Any = None, **params: Any) -> Any:
    return await get(http, f"/entities/{entity_id}", headers, **params)


# representation


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({}, {"type": "VocabProperty", "vocab": "Bakery"}),
        ({"format": "normalized"}, {"type": "VocabProperty", "vocab": "Bakery"}),
        ({"options": "concise"}, {"vocab": "Bakery"}),
        ({"format": "concise", "options": "keyValues"}, {"vocab": "Bakery"}),
        ({"options": "keyValues,simplified"}, {"vocab": "Bakery"}),
    ],
)
async def test_formats(http: httpx.AsyncClient, params: Any, kind: Any) -> None:
    assert (await retrieved(http, STORE, **params))["kind"] == kind
    assert (await get(http, "/entities", type="Store", limit=1, **params))[0]["kind"] == kind


async def test_simplified_shows_datasets(http: httpx.AsyncClient) -> None:
    found = await retrieved(http, STORE, format="simplified")
    assert found["price"] == {"dataset": {"@none": 100, "urn:d:eur": 1}}
    assert found["staff"] == [TARO, NOBODY, HANA]
    assert found["route"] == [CITY, NOBODY, HANA]
    assert found["scope"] == "/Ishikawa/Kanazawa"


@pytest.mark.parametrize("params", [{"sysAttrs": "true"}, {"options": "sysAttrs"}, {"options": "sysAttrs,concise"}])
async def test_system_attributes_everywhere(http: httpx.AsyncClient, params: Any) -> None:
    found = await retrieved(http, STORE, **params)
    for level in (found, found["owner"], found["owner"]["since"]):
        assert level["createdAt"].endswith("Z")
        assert level["modifiedAt"].endswith("Z")
    assert "createdAt" not in await retrieved(http, STORE, options="sysAttrs", sysAttrs="false")


@pytest.mark.parametrize(
    ("params", "members"),
    [
        ({"attrs": "price"}, {"id", "type", "scope", "price"}),
        ({"attrs": "price,unknown"}, {"id", "type", "scope", "price"}),
        ({"pick": "price"}, {"price"}),
        ({"pick": "id|price"}, {"id", "price"}),
        ({"pick": "id,type,scope"}, {"id", "type", "scope"}),
        ({"omit": "name,owner,staff,route,kind,gate,entrances,location"}, {"id", "type", "scope", "price"}),
        ({"datasetId": "urn:d:eur"}, {"id", "type", "scope", "price"}),
        ({"datasetId": "urn:d:none"}, {"id", "type", "scope"}),
    ],
)
async def test_projection(http: httpx.AsyncClient, params: Any, members: set[str]) -> None:
    assert (await retrieved(http, STORE, **params)).keys() == members
    assert (await get(http, "/entities", type="Store", id=STORE, **params))[0].keys() == members


async def test_attrs_selects_and_pick_does_not(http: httpx.AsyncClient) -> None:
    assert [item["id"] for item in await get(http, "/entities", type="Store", attrs="price")] == [STORE]
    assert len(await get(http, "/entities", type="Store", pick="id,price")) == 2
    assert await get(http, "/entities", type="Store", attrs="unknown") == []
    # where nothing is left there is nothing to show
    assert await get(http, "/entities", type="Store", pick="price", id=BARE) == []


@pytest.mark.parametrize(
    ("lang", "value", "tag"),
    [
        ("fr-CH,fr", "Magasin", "fr"),
        ("ja", "店", "ja"),
        ("de", "Store", "en"),
        ("*", "Store", "en"),
        ("en;q=0.1,fr;q=0.2", "Magasin", "fr"),
    ],
)
async def test_language(http: httpx.AsyncClient, lang: str, value: str, tag: str) -> None:
    expected = {"type": "Property", "value": value, "lang": tag}
    assert (await retrieved(http, STORE, lang=lang))["name"] == expected
    assert (await get(http, "/entities", type="Store", lang=lang))[0]["name"] == expected
    assert (await retrieved(http, STORE, lang=lang, format="keyValues"))["name"] == value


# errors


@pytest.mark.parametrize(
    ("params", "status", "kind", "word"),
    [
        ({"format": "xml"}, 400, "BadRequestData", "format"),
        ({"options": "concise,keyValues"}, 400, "BadRequestData", "exclude"),
        ({"options": "nothing"}, 400, "BadRequestData", "nothing"),
        ({"sysAttrs": "yes"}, 400, "BadRequestData", "sysAttrs"),
        ({"foo": "1"}, 400, "InvalidRequest", "foo"),
        ({"pick": "a", "attrs": "b"}, 400, "BadRequestData", "attrs"),
        ({"omit": "a", "attrs": "b"}, 400, "BadRequestData", "attrs"),
        ({"pick": "a,b", "omit": "a"}, 400, "BadRequestData", "pick"),
        ({"pick": "id;name"}, 400, "BadRequestData", "id;name"),
        ({"pick": "a{b}"}, 400, "BadRequestData", "join"),
        ({"pick": "a{b{c}}", "join": "inline"}, 400, "BadRequestData", "joinLevel"),
        ({"pick": "a{}", "join": "inline"}, 400, "BadRequestData", "pick"),
        ({"omit": "a{{b}", "join": "inline"}, 400, "BadRequestData", "omit"),
        ({"attrs": "inva(lid"}, 400, "BadRequestData", "inva(lid"),
        ({"attrs": "a,,b"}, 400, "BadRequestData", "attribute name"),
        ({"lang": "en;q=7"}, 400, "BadRequestData", "lang"),
        ({"datasetId": "nothing"}, 400, "BadRequestData", "datasetId"),
        ({"geometryProperty": "location"}, 400, "BadRequestData", "geometryProperty"),
        ({"join": "outline"}, 400, "BadRequestData", "join"),
        ({"joinLevel": "2"}, 400, "BadRequestData", "joinLevel"),
        ({"join": "@none", "containedBy": CITY}, 400, "BadRequestData", "containedBy"),
        ({"join": "flat", "joinLevel": "0"}, 400, "BadRequestData", "joinLevel"),
        ({"join": "flat", "joinLevel": "-1"}, 400, "BadRequestData", "joinLevel"),
        ({"join": "flat", "joinLevel": "99"}, 400, "BadRequestData", "joinLevel"),
        ({"join": "flat", "containedBy": "nothing"}, 400, "BadRequestData", "containedBy"),
        ({"entityMap": "true"}, 422, "OperationNotSupported", "entityMap"),
        ({"splitEntities": "maybe"}, 400, "BadRequestData", "splitEntities"),
    ],
)
async def test_what_is_refused(http: httpx.AsyncClient, params: Any, status: int, kind: str, word: str) -> None:
    for path in (f"/entities/{STORE}", "/entities?type=Store"):
        answer = await http.get(f"{path}{'&' if '?' in path else '?'}{urlencode(params)}")
        assert answer.status_code == status, answer.text
        assert answer.json()["type"].endswith(f"/{kind}")
        assert word in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/json"
        assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/entities/nothing", 400, "BadRequestData"),
        (f"/entities/{NOBODY}", 404, "ResourceNotFound"),
        (f"/entities/{STORE}?type=Person", 404, "ResourceNotFound"),
        (f"/entities/{STORE}?type=A(", 400, "BadRequestData"),
        (f"/entities/{STORE}?attrs=unknown", 404, "ResourceNotFound"),
        (f"/entities/{STORE}?pick=unknown", 404, "ResourceNotFound"),
        (
            f"/entities/{STORE}?omit=id,type,scope,name,owner,staff,route,kind,price,location,gate,entrances",
            404,
            "ResourceNotFound",
        ),
        ("/entities", 400, "BadRequestData"),
        ("/entities?pick=name", 400, "BadRequestData"),
        ("/entities?type=Store&limit=0", 400, "BadRequestData"),
        ("/entities?type=Store&limit=1001", 400, "BadRequestData"),
        ("/entities?type=Store&offset=-1", 400, "BadRequestData"),
    ],
)
async def test_errors_of_one_operation(http: httpx.AsyncClient, path: str, status: int, kind: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(f"/{kind}")


@pytest.mark.parametrize("selection", ["Person", "Owner", "Person,Store", "(Person;Owner)", "*"])
async def test_the_type_selector_of_a_retrieval(http: httpx.AsyncClient, selection: str) -> None:
    assert (await retrieved(http, HANA, type=selection))["type"] == ["Person", "Owner"]


# @context, media types, HEAD


async def test_the_context_travels_in_link_or_body(http: httpx.AsyncClient) -> None:
    context = f'<{CORE}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    for path in (f"/entities/{STORE}", "/entities?type=Store", "/entities?type=Unknown"):
        answer = await http.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["link"] == context
        assert "@context" not in answer.text
    one = await http.get(f"/entities/{STORE}", headers=LD)
    assert one.headers["content-type"] == "application/ld+json"
    assert one.json()["@context"] == CORE
    assert "link" not in one.headers
    assert [item["@context"] for item in await get(http, "/entities", LD, type="Store")] == [CORE, CORE]
    assert (await http.get(f"/entities/{STORE}", headers={"Accept": "image/png"})).status_code == 406


async def test_the_served_context_is_the_one_that_was_asked_with(http: httpx.AsyncClient) -> None:
    terms = {
        "店舗": "https://uri.etsi.org/ngsi-ld/default-context/Store",
        "値段": "https://uri.etsi.org/ngsi-ld/default-context/price",
    }
    body = {"@context": [terms, CORE], "type": "Query", "entities": [{"type": "店舗"}], "pick": ["id", "type", "値段"]}

    async def asked(accept: str) -> httpx.Response:
        headers = {"Content-Type": "application/ld+json", "Accept": accept}
        return await http.post("/entityOperations/query", content=orjson.dumps(body), headers=headers)

    inside = (await asked("application/ld+json")).json()[0]
    assert inside["@context"] == terms  # the core context is known to all
    assert inside["type"] == "店舗"
    assert inside["値段"][0]["value"] == 100
    linked = await asked("application/json")
    url = linked.headers["link"].partition(">")[0][1:]
    hosted = await http.get(url)
    assert hosted.json()["@context"] in (terms, [terms])
    assert "@context" not in linked.text


async def test_head_has_the_headers_of_get(http: httpx.AsyncClient) -> None:
    for path in (f"/entities/{STORE}", "/entities?type=Store&count=true&limit=1"):
        got, head = await http.get(path), await http.head(path)
        assert head.status_code == 200
        assert head.content == b""
        for name in ("link", "content-type", "ngsild-results-count"):
            assert head.headers.get(name) == got.headers.get(name)


async def test_a_retrieval_tells_the_version_that_writes_may_name(http: httpx.AsyncClient) -> None:
    tags = [(await http.get(f"/entities/{one}")).headers["etag"] for one in (STORE, STORE, BARE)]
    assert tags[0] == tags[1] != tags[2]


# GeoJSON


async def test_a_feature(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/entities/{STORE}", headers=GEO)
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body.keys() == {"@context", "id", "type", "geometry", "properties"}
    assert (body["id"], body["type"], body["geometry"]) == (STORE, "Feature", POINT)
    assert body["properties"]["type"] == "Store"
    assert body["properties"]["location"] == {"type": "GeoProperty", "value": POINT}
    assert "id" not in body["properties"]


@pytest.mark.parametrize(("form", "name"), [("concise", {"value": "Store", "lang": "en"}), ("simplified", "Store")])
async def test_features_in_other_forms(http: httpx.AsyncClient, form: str, name: Any) -> None:
    body = await retrieved(http, STORE, GEO, format=form, lang="en")
    assert body["properties"]["name"] == name
    assert body["properties"]["location"] == POINT


@pytest.mark.parametrize(
    ("params", "geometry"),
    [
        ({"geometryProperty": "gate"}, GATE),
        ({"geometryProperty": "entrances"}, None),
        ({"geometryProperty": "entrances", "datasetId": "urn:d:west"}, GATE),
        ({"geometryProperty": "name"}, None),
        ({"geometryProperty": "unknown"}, None),
        ({"attrs": "price"}, POINT),
        ({"pick": "id,price"}, POINT),
    ],
)
async def test_the_geometry_is_selected(http: httpx.AsyncClient, params: Any, geometry: Any) -> None:
    body = await retrieved(http, STORE, GEO, **params)
    assert body["geometry"] == geometry
    assert body["type"] == "Feature"


async def test_a_feature_collection_has_its_context_once(http: httpx.AsyncClient) -> None:
    body = await get(http, "/entities", GEO, type="Store", pick="id,type,price")
    assert body.keys() == {"@context", "type", "features"}
    assert body["type"] == "FeatureCollection"
    assert [item["geometry"] for item in body["features"]] == [POINT, None]
    assert body["features"][1]["properties"] == {"type": "Store"}
    answer = await http.get("/entities?type=Store", headers={**GEO, "Prefer": "body=json"})
    assert "@context" not in answer.json()
    assert CORE in answer.headers["link"]
    none = await get(http, "/entities", GEO, type="Unknown")
    assert none["features"] == []


async def test_flat_joins_are_feature_collections(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, HANA, GEO, join="flat")
    places = {item["id"]: item["geometry"] for item in body["features"]}
    assert places == {HANA: None, CITY: POINT, TARO: None}


# linked entities


async def test_inline(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, STORE, join="inline")
    owner = body["owner"]
    assert owner["object"] == HANA
    assert owner["entity"]["id"] == HANA
    assert owner["entity"]["age"] == {"type": "Property", "value": 41}
    assert owner["entity"]["livesIn"] == {"type": "Relationship", "object": CITY}  # one level only
    assert [item["id"] for item in body["staff"]["entity"]] == [TARO, HANA]  # the missing one is skipped
    assert [item["id"] for item in body["route"]["entityList"]] == [CITY, HANA]
    assert "entity" not in (await retrieved(http, BARE, join="inline"))["owner"]


async def test_inline_levels_end_at_cycles(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, HANA, join="inline", joinLevel=5)
    taro = body["friend"]["entity"]
    assert taro["id"] == TARO
    assert "entity" not in taro["friend"]  # its friend is Hana again
    assert body["livesIn"]["entity"]["id"] == CITY


async def test_inline_in_other_forms(http: httpx.AsyncClient) -> None:
    concise = await retrieved(http, STORE, join="inline", format="concise")
    assert concise["owner"]["entity"]["age"] == 41
    assert concise["route"]["objectList"] == [CITY, NOBODY, HANA]
    simple = await retrieved(http, STORE, join="inline", format="simplified", lang="en")
    assert simple["owner"]["age"] == 41
    assert simple["staff"][1] == NOBODY
    assert simple["staff"][0]["name"] == "太郎"
    assert simple["route"][0] == {"id": CITY, "type": "City", "name": "Kanazawa", "location": POINT}
    stamped = await retrieved(http, HANA, join="inline", options="sysAttrs")
    assert stamped["friend"]["entity"]["age"]["createdAt"]


@pytest.mark.parametrize(
    ("params", "owner"),
    [
        ({"pick": "owner{age}"}, {"age": 41}),
        ({"pick": "owner{id,livesIn{name}}", "joinLevel": 2, "lang": "ja"}, {"id": HANA, "livesIn": {"name": "金沢"}}),
        ({"pick": "id,owner"}, {"id": HANA}),
        ({"omit": "name,friend,livesIn,staff,route"}, {"id": HANA, "type": ["Person", "Owner"], "age": 41}),
        ({"pick": "owner", "omit": "owner{id,type,name,friend,livesIn}"}, None),
        (
            {"attrs": "owner", "omit": None},
            {"id": HANA, "type": ["Person", "Owner"], "name": "花", "age": 41, "livesIn": CITY, "friend": TARO},
        ),
    ],
)
async def test_projection_of_linked_entities(http: httpx.AsyncClient, params: Any, owner: Any) -> None:
    given = {name: value for name, value in params.items() if value is not None}
    body = await retrieved(http, STORE, join="inline", format="simplified", **given)
    assert body["owner"] == ({} if owner is None else owner)


async def test_flat_has_each_entity_once(http: httpx.AsyncClient) -> None:
    found = await retrieved(http, STORE, join="flat")
    assert found[0]["id"] == STORE  # linking entities first
    assert sorted(item["id"] for item in found[1:]) == [CITY, HANA, TARO]
    assert [item["id"] for item in await get(http, "/entities", type="Person", join="flat")] == [HANA, TARO, CITY]
    deep = await retrieved(http, STORE, join="flat", joinLevel=3, pick="id,owner,friend", format="simplified")
    assert deep == [
        {"id": STORE, "owner": HANA},
        {"id": HANA, "friend": TARO},
        {"id": TARO, "friend": HANA},
    ]


async def test_attrs_is_about_the_linking_entities_only(http: httpx.AsyncClient) -> None:
    store, hana = await retrieved(http, STORE, join="flat", attrs="owner", format="simplified")
    assert store.keys() == {"id", "type", "scope", "owner"}
    assert hana["age"] == 41


@pytest.mark.parametrize("join", ["flat", "inline"])
async def test_entities_met_before_are_not_repeated(http: httpx.AsyncClient, join: str) -> None:
    answer = await http.get(f"/entities/{HANA}", params={"join": join, "containedBy": f"{TARO},{STORE}"})
    assert "太郎" not in answer.text
    assert "金沢" in answer.text


async def test_without_join_nothing_is_linked(http: httpx.AsyncClient) -> None:
    assert "entity" not in (await retrieved(http, STORE, join="@none"))["owner"]


# earlier versions


async def test_older_askers_get_what_they_know(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/entities/{STORE}", headers={"Prefer": "ngsi-ld=1.3"})
    assert answer.status_code == 203
    assert answer.headers["preference-applied"] == "ngsi-ld=1.3"
    body = answer.json()
    assert "scope" not in body
    assert body["kind"] == {"type": "Property", "value": "Bakery"}
    assert body["name"]["type"] == "Property"
    assert body["name"]["value"]["ja"] == "店"
    assert body["route"] == {"type": "Relationship", "object": [CITY, NOBODY, HANA]}
    assert len(body["price"]) == 2
    for prefer in ('foo, ngsi-ld="1.0"', "ngsi-ld=0.4; body=json"):
        oldest = await http.get("/entities", params={"type": "Person"}, headers={"Prefer": prefer})
        assert oldest.status_code == 203
        assert oldest.headers["preference-applied"] == "ngsi-ld=1.0"
        assert [item["type"] for item in oldest.json()] == ["Person", "Person"]


@pytest.mark.parametrize(
    ("prefer", "applied"), [("ngsi-ld=1.9", "ngsi-ld=1.9"), ("ngsi-ld=2.4", "ngsi-ld=1.9"), ("ngsi-ld=new", None)]
)
async def test_an_answer_that_needs_no_change_is_200(http: httpx.AsyncClient, prefer: str, applied: str | None) -> None:
    answer = await http.get(f"/entities/{STORE}", headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert answer.headers.get("preference-applied") == applied


# POST query


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"entities": [{"type": "Store"}]}, [STORE, BARE]),
        ({"entities": [{"type": "City"}, {"type": "Person", "id": HANA}]}, [CITY, HANA]),
        ({"entities": [{"type": "Store"}], "attrs": ["price"]}, [STORE]),
        ({"q": "age>40"}, [HANA]),
        (
            {"geoQ": {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": [136.65, 36.57]}},
            [CITY, STORE],
        ),
    ],
)
async def test_a_query_in_a_body(http: httpx.AsyncClient, body: Any, ids: list[str]) -> None:
    answer = await http.post("/entityOperations/query", json={"type": "Query", **body})
    assert answer.status_code == 200, answer.text
    assert [item["id"] for item in answer.json()] == ids
    assert CORE in answer.headers["link"]


@pytest.mark.parametrize(
    ("members", "params"),
    [
        ({"pick": ["id", "owner{name}"], "join": "inline", "joinLevel": 1}, {"format": "simplified"}),
        ({}, {"pick": "id,owner{name}", "join": "inline", "format": "simplified"}),
    ],
)
async def test_the_answer_is_shaped_by_body_or_url(http: httpx.AsyncClient, members: Any, params: Any) -> None:
    body = {"type": "Query", "entities": [{"type": "Store", "id": STORE}], **members}
    answer = await http.post("/entityOperations/query", params=params, json=body)
    assert answer.json() == [{"id": STORE, "owner": {"name": "花"}}]


async def test_a_query_in_a_body_negotiates_and_pages(http: httpx.AsyncClient) -> None:
    body = {
        "type": "Query",
        "entities": [{"type": "Person"}],
        "lang": "en",
        "datasetId": ["@none"],
        "containedBy": [CITY],
        "join": "flat",
    }
    ask = "/entityOperations/query?limit=1&count=true"
    answer = await http.post(ask, json=body, headers=GEO)
    assert answer.json()["type"] == "FeatureCollection"
    assert answer.headers["ngsild-results-count"] == "2"
    assert '</ngsi-ld/v1/entityOperations/query?limit=1&count=true&offset=1>;rel="next"' in answer.headers["link"]
    ld = await http.post(
        "/entityOperations/query",
        content=b'{"@context": "%s", "type": "Query", "entities": [{"type": "City"}]}' % CORE.encode(),
        headers={"Content-Type": "application/ld+json", **LD},
    )
    assert ld.json()[0]["@context"] == CORE


@pytest.mark.parametrize(
    ("body", "params", "kind", "word"),
    [
        ({}, {}, "InvalidRequest", "empty"),
        ({"entities": [{"type": "Store"}]}, {}, "BadRequestData", "Query"),
        ({"type": "Query"}, {}, "BadRequestData", "too wide"),
        ({"type": "Query", "entities": []}, {}, "BadRequestData", "entities"),
        ({"type": "Query", "entities": [{"type": "Store"}], "temporalQ": {}}, {}, "BadRequestData", "temporalQ"),
        ({"type": "Query", "entities": [{"type": "Store"}], "pick": []}, {}, "BadRequestData", "pick"),
        ({"type": "Query", "entities": [{"type": "Store"}], "pick": [1]}, {}, "BadRequestData", "pick"),
        ({"type": "Query", "entities": [{"type": "Store"}], "lang": 1}, {}, "BadRequestData", "lang"),
        (
            {"type": "Query", "entities": [{"type": "Store"}], "join": "flat", "joinLevel": True},
            {},
            "BadRequestData",
            "joinLevel",
        ),
        ({"type": "Query", "entities": [{"type": "Store"}], "join": ["flat"]}, {}, "BadRequestData", "join"),
        (
            {"type": "Query", "entities": [{"type": "Store"}], "pick": ["a"]},
            {"pick": "b"},
            "BadRequestData",
            "say it once",
        ),
        ({"type": "Query", "entities": [{"type": "Store"}], "datasetId": ["x"]}, {}, "BadRequestData", "datasetId"),
        (
            {"type": "Query", "entities": [{"type": "Store"}], "entityMap": True},
            {},
            "OperationNotSupported",
            "entityMap",
        ),
        ({"type": "Query", "entities": [{"type": "Store"}], "@context": CORE}, {}, "BadRequestData", "@context"),
        ([{"type": "Query"}], {}, "BadRequestData", "Query"),
    ],
)
async def test_bad_queries_in_a_body(http: httpx.AsyncClient, body: Any, params: Any, kind: str, word: str) -> None:
    answer = await http.post("/entityOperations/query", params=params, json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["type"].endswith(f"/{kind}"), answer.text
    assert word in answer.json()["detail"]


async def test_entity_maps_are_refused_clearly(http: httpx.AsyncClient) -> None:
    answer = await http.get("/entities?type=Store", headers={"NGSILD-EntityMap": "urn:ngsi-ld:EntityMap:1"})
    assert answer.status_code == 422
    assert (await http.get("/entities?type=Store&entityMap=false&splitEntities=true")).status_code == 200


PARAMETERS = {
    "attrs": ["name", "price,name", "createdAt", "a b", "価格"],
    "pick": ["id,name", "owner{name}", "owner{livesIn{name}},id", "staff{id}|route", "x{", "価格"],
    "omit": ["id", "type,name", "owner{age}", "price,{", "scope"],
    "lang": ["ja", "*", "en;q=0", "fr-CH,fr;q=0.9", "日本語", ";"],
    "datasetId": ["@none", "urn:d:eur", "urn:d:eur,@none", "x", ","],
    "geometryProperty": ["location", "gate", "name", "a b"],
    "join": ["flat", "inline", "@none", "x"],
    "joinLevel": ["1", "2", "3", "0", "x", "9" * 30],
    "containedBy": [CITY, f"{HANA},{TARO}", "x", ","],
    "format": ["normalized", "concise", "simplified", "keyValues", "x"],
    "options": ["sysAttrs", "concise", "keyValues,sysAttrs", "concise,normalized", "x", ","],
    "sysAttrs": ["true", "false", "x"],
    "limit": ["1", "2", "0", "1000", "x"],
    "offset": ["1", "99999999", "-1"],
    "count": ["true", "x"],
    "orderBy": ["name;desc", "age", ";"],
    "entityMap": ["false", "true"],
}


async def test_no_mixture_of_parameters_breaks_an_answer(http: httpx.AsyncClient) -> None:
    dice = random.Random(20260619)
    seen = dict.fromkeys((200, 203, 400, 404, 422), 0)
    for _ in range(1500):
        params = {name: dice.choice(PARAMETERS[name]) for name in dice.sample(list(PARAMETERS), dice.randint(0, 4))}
        headers = {
            "Accept": dice.choice(["*/*", "application/ld+json", "application/geo+json"]),
            "Prefer": dice.choice(["body=json", "ngsi-ld=1.1", "ngsi-ld=1.7,body=json", ";;=", ""]),
        }
        path = dice.choice([f"/entities/{STORE}", f"/entities/{HANA}", "/entities"])
        only = {"type": "Person,Store", "local": "true"} if path == "/entities" else {}
        answer = await http.get(path, params={**only, **params}, headers=headers)
        assert answer.status_code in seen, (answer.status_code, path, params, headers, answer.text)
        seen[answer.status_code] += 1
        answer.json()
    assert all(seen.values()), seen
