"""GET /entities and GET /entities/{id} on one small world (5.7.1, 5.7.2, 4.5)."""

import random
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from tests.broker.world import BARE, CITY, CORE, GEO, HANA, LD, NOBODY, STORE, TARO, get, retrieved

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("q", "1p", {}),
        ("q", "p..sub", {}),
        ("q", "1p{a}", {"join": "flat"}),
        ("csf", "1p", {}),
        ("attrs", "p(", {}),
        ("attrs", "observedAt", {}),
        ("pick", "id;type", {}),
        ("omit", "owner{1p}", {"join": "flat"}),
        ("orderBy", "1p", {}),
        ("expandValues", "in valid", {}),
        ("jsonKeys", "p(4", {}),
        ("geoproperty", "1x", {"georel": "within", "geometry": "Point", "coordinates": "[1,1]"}),
        ("geometryProperty", "1x", {}),
    ],
)
async def test_an_error_says_which_parameter_has_the_wrong_name(
    http: httpx.AsyncClient, name: str, value: str, more: dict[str, str]
) -> None:
    headers = GEO if name == "geometryProperty" else {}
    answer = await http.get("/entities", params={"type": "Store", name: value, **more}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{name}: ")


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
    ("prefer", "params", "status"),
    [
        ("1.7", {"pick": "kind"}, 203),
        ("1.8", {"pick": "kind"}, 200),
        ("1.7", {"pick": "id,type"}, 200),
        ("1.3", {"pick": "id,scope"}, 203),
        ("1.3", {"omit": "name,kind,scope,route,price"}, 200),
        ("1.0", {"attrs": "owner"}, 203),  # which has no scope any more
        ("1.0", {"pick": "price", "format": "simplified"}, 203),
        ("1.0", {"pick": "price", "datasetId": "@none", "format": "simplified"}, 200),
        ("1.7", {"pick": "id,route", "format": "simplified"}, 200),
        ("1.7", {"pick": "id,route{id}", "join": "inline"}, 203),
        ("1.0", {"pick": "id,owner{age}", "join": "inline"}, 200),
        ("1.0", {"pick": "id,owner{type}", "join": "inline"}, 203),
        ("1.0", {"pick": "id,owner{age}", "join": "flat"}, 200),
        ("1.0", {"pick": "id,owner{type}", "join": "flat"}, 203),
    ],
)
async def test_an_answer_is_altered_when_what_it_shows_is(
    http: httpx.AsyncClient, prefer: str, params: dict[str, str], status: int
) -> None:
    headers = {"Prefer": f"ngsi-ld={prefer}"}
    for path, only in ((f"/entities/{STORE}", {}), ("/entities", {"type": "Store", "id": STORE})):
        answer = await http.get(path, params={**only, **params}, headers=headers)
        assert (answer.status_code, answer.headers["preference-applied"]) == (status, headers["Prefer"]), answer.text
        whole = await http.get(path, params={**only, **params})
        assert (answer.content == whole.content) is (status == 200)


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("ngsi-ld=1.9", "ngsi-ld=1.9"),
        ("NGSI-LD=1.9", "ngsi-ld=1.9"),
        ("ngsi-ld=2.4", "ngsi-ld=1.9"),
        ("ngsi-ld=new", None),
    ],
)
async def test_an_answer_that_needs_no_change_is_200(http: httpx.AsyncClient, prefer: str, applied: str | None) -> None:
    answer = await http.get(f"/entities/{STORE}", headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert answer.headers.get("preference-applied") == applied


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
