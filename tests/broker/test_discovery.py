"""Types and attributes that there are (GS CIM 009, 5.7.5 to 5.7.10)."""

import random
from typing import Any

import asyncpg
import httpx
import pytest

from broker.store import migrate
from ngsi.terms import DEFAULT_VOCAB

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
LD = "application/ld+json"
A = "https://a.example/"


def entity(number: int, kind: Any, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Thing:{number}", "type": kind, **attributes}


THINGS = [
    entity(1, "Room", t=20, name="a"),
    entity(2, "Room", t={"object": "urn:x:1"}),
    entity(3, ["Hall", "Room"], t=[{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]),
    entity(4, "Car", location={"type": "Point", "coordinates": [136.6, 36.5]}),
    entity(5, "Car"),
]


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entityOperations/create", json=THINGS)).status_code == 201
    return client


async def get(http: httpx.AsyncClient, path: str, **headers: str) -> Any:
    answer = await http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_types_are_listed(city: httpx.AsyncClient) -> None:
    told = await get(city, "/types")
    assert told.pop("id").startswith("urn:ngsi-ld:EntityTypeList:")
    assert told == {"type": "EntityTypeList", "typeList": ["Car", "Hall", "Room"]}
    assert await get(city, "/types?details=true") == [
        {"id": DEFAULT_VOCAB + "Car", "type": "EntityType", "typeName": "Car", "attributeNames": ["location"]},
        {"id": DEFAULT_VOCAB + "Hall", "type": "EntityType", "typeName": "Hall", "attributeNames": ["t"]},
        {"id": DEFAULT_VOCAB + "Room", "type": "EntityType", "typeName": "Room", "attributeNames": ["name", "t"]},
    ]


async def test_a_type_tells_its_attributes(city: httpx.AsyncClient) -> None:
    for name in ("Room", f"{DEFAULT_VOCAB}Room", f"{DEFAULT_VOCAB}Room".replace("/", "%2F").replace(":", "%3A")):
        assert await get(city, f"/types/{name}") == {
            "id": DEFAULT_VOCAB + "Room",
            "type": "EntityTypeInfo",
            "typeName": "Room",
            "entityCount": 3,
            "attributeDetails": [
                {
                    "id": DEFAULT_VOCAB + "name",
                    "type": "Attribute",
                    "attributeName": "name",
                    "attributeTypes": ["Property"],
                },
                {
                    "id": DEFAULT_VOCAB + "t",
                    "type": "Attribute",
                    "attributeName": "t",
                    "attributeTypes": ["Property", "Relationship"],
                },
            ],
        }
    assert (await get(city, "/types/Car"))["entityCount"] == 2


async def test_attributes_are_listed(city: httpx.AsyncClient) -> None:
    told = await get(city, "/attributes")
    assert told.pop("id").startswith("urn:ngsi-ld:AttributeList:")
    assert told == {"type": "AttributeList", "attributeList": ["name", "t", "location"]}
    names = {item["attributeName"]: item["typeNames"] for item in await get(city, "/attributes?details=true")}
    assert names == {"name": ["Room"], "t": ["Hall", "Room"], "location": ["Car"]}


async def test_an_attribute_tells_its_types_and_instances(city: httpx.AsyncClient) -> None:
    assert await get(city, "/attributes/t") == {
        "id": DEFAULT_VOCAB + "t",
        "type": "Attribute",
        "attributeName": "t",
        "attributeCount": 4,
        "attributeTypes": ["Property", "Relationship"],
        "typeNames": ["Hall", "Room"],
    }
    location = await get(city, "/attributes/location")
    assert (location["id"], location["attributeTypes"]) == ("https://uri.etsi.org/ngsi-ld/location", ["GeoProperty"])


async def test_names_are_those_of_the_context(city: httpx.AsyncClient) -> None:
    context = await city.post(
        "/jsonldContexts", json={"@context": {"Zimmer": f"{DEFAULT_VOCAB}Room", "Room": A + "Room"}}
    )
    link = {"Link": f'<http://127.0.0.1:1026{context.headers["location"]}>; rel="http://www.w3.org/ns/json-ld#context"'}
    assert (await get(city, "/types", **link))["typeList"] == ["Car", "Hall", "Zimmer"]
    assert (await get(city, "/types/Zimmer", **link))["entityCount"] == 3
    assert (await city.get("/types/Room", headers=link)).status_code == 404
    inside = await get(city, "/types?details=true", Accept=LD, **link)
    assert {item["@context"] for item in inside} == {link["Link"].partition(">")[0][1:]}


async def test_lists_have_pages(city: httpx.AsyncClient) -> None:
    first = await city.get("/types?limit=2&count=true")
    assert first.json()["typeList"] == ["Car", "Hall"]
    assert first.headers["ngsild-results-count"] == "3"
    assert 'rel="next"' in first.headers["link"]
    second = await city.get("/types?limit=2&offset=2&details=true")
    assert [item["typeName"] for item in second.json()] == ["Room"]
    assert 'rel="prev"' in second.headers["link"]
    assert 'rel="next"' not in second.headers["link"]
    assert (await get(city, "/attributes?limit=0&count=true"))["attributeList"] == []


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/types/Boat", 404, "ResourceNotFound"),
        ("/attributes/speed", 404, "ResourceNotFound"),
        ("/types/in(valid", 400, "BadRequestData"),
        ("/attributes/in(valid", 400, "BadRequestData"),
        ("/attributes/observedAt", 400, "BadRequestData"),
        ("/types?details=perhaps", 400, "BadRequestData"),
        ("/types?limit=-1", 400, "BadRequestData"),
        ("/types?limit=0", 400, "BadRequestData"),
        ("/attributes?limit=0&details=true", 400, "BadRequestData"),
        ("/types?q=t", 400, "InvalidRequest"),
        ("/types/Room?details=true", 400, "InvalidRequest"),
    ],
)
async def test_errors(city: httpx.AsyncClient, path: str, status: int, kind: str) -> None:
    answer = await city.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, ERRORS + kind)
    assert (await city.get(path, headers={"Accept": "application/geo+json"})).status_code == 406


async def test_an_empty_broker_has_empty_lists(client: httpx.AsyncClient) -> None:
    assert (await get(client, "/types"))["typeList"] == []
    assert (await get(client, "/types?details=true")) == []
    assert (await get(client, "/attributes"))["attributeList"] == []
    unknown = await client.get("/types", headers={"NGSILD-Tenant": "nobody"})
    assert unknown.json()["type"] == ERRORS + "NonexistentTenant"


async def test_tenants_do_not_show_their_types(city: httpx.AsyncClient) -> None:
    inn = {"NGSILD-Tenant": "inn"}
    await city.post("/entities", json=entity(1, "Secret", hidden=1), headers=inn)
    assert "Secret" not in (await get(city, "/types"))["typeList"]
    assert (await get(city, "/types", **inn))["typeList"] == ["Secret"]
    assert (await get(city, "/attributes", **inn))["attributeList"] == ["hidden"]


async def test_wide_and_expired_entities_are_counted_right(city: httpx.AsyncClient, dsn: str) -> None:
    wide = {f"a{i}": i for i in range(200)}
    await city.post("/entities", json=entity(9, "Wide", t=1, **wide))
    assert (await get(city, "/types/Wide"))["entityCount"] == 1
    assert len((await get(city, "/types/Wide"))["attributeDetails"]) == 201
    assert (await get(city, "/attributes/t"))["attributeCount"] == 5
    await city.post("/entities", json=entity(10, "Brief", expiresAt="2099-01-01T00:00:00Z"))
    assert (await get(city, "/types/Brief"))["entityCount"] == 1
    connection = await asyncpg.connect(dsn)
    await connection.execute("update entity set expires_at = now() - interval '1 s' where expires_at is not null")
    await connection.execute("update expiry set at = now() - interval '1 s'")
    await connection.close()
    assert "Brief" not in (await get(city, "/types"))["typeList"]


async def _expected(http: httpx.AsyncClient) -> dict[str, tuple[int, dict[str, set[str]]]]:
    """Types with their numbers of entities and their attributes' kinds, as the entities themselves tell."""
    found: dict[str, tuple[int, dict[str, set[str]]]] = {}
    for item in (await http.get("/entities?local=true&limit=1000")).json():
        types = item["type"] if isinstance(item["type"], list) else [item["type"]]
        for name in types:
            count, kinds = found.get(name, (0, {}))
            for attribute, value in item.items():
                if attribute not in ("id", "type"):
                    instances = value if isinstance(value, list) else [value]
                    kinds.setdefault(attribute, set()).update(instance["type"] for instance in instances)
            found[name] = (count + 1, kinds)
    return found


async def _told(http: httpx.AsyncClient) -> dict[str, tuple[int, dict[str, set[str]]]]:
    told = {}
    for name in (await get(http, "/types"))["typeList"]:
        info = await get(http, f"/types/{name}")
        kinds = {item["attributeName"]: set(item["attributeTypes"]) for item in info["attributeDetails"]}
        told[name] = (info["entityCount"], kinds)
    return told


async def test_the_census_agrees_with_the_entities_whatever_is_written(client: httpx.AsyncClient) -> None:
    """Random writes of every sort; what discovery tells is what the entities tell."""
    dice = random.Random(26)

    def values() -> dict[str, Any]:
        choices: list[Any] = [
            1,
            {"object": "urn:x:1"},
            {"languageMap": {"en": "x"}},
            [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}],
        ]
        return {name: dice.choice(choices) for name in dice.sample(["a", "b", "c", "d"], dice.randint(0, 3))}

    for _ in range(150):
        number, kind = dice.randint(1, 6), dice.choice(["Room", "Hall", ["Room", "Car"]])
        path, body = f"/entities/urn:ngsi-ld:Thing:{number}", entity(number, kind, **values())
        writes: list[tuple[str, str, Any]] = [
            ("POST", "/entities", body),
            ("PUT", path, body),
            ("DELETE", path, None),
            ("POST", f"{path}/attrs", values() or {"a": 1}),
            ("DELETE", f"{path}/attrs/{dice.choice('abcd')}", None),
            ("POST", "/entityOperations/upsert", [body, {**body, "type": "Last"}]),
            ("POST", "/entityOperations/delete", [body["id"]]),
            ("PATCH", path, {"type": "Merged", **values()}),
        ]
        method, url, content = dice.choice(writes)
        answer = await client.request(method, url, json=content)
        assert answer.status_code < 500, answer.text
    assert await _expected(client), "nothing is left to compare"
    assert await _told(client) == await _expected(client)


async def test_what_was_there_before_is_counted_by_the_migration(city: httpx.AsyncClient, dsn: str) -> None:
    before = await _told(city)
    connection = await asyncpg.connect(dsn)
    await connection.execute("drop trigger entity_deleted on entity; drop trigger entity_erased on entity")
    await connection.execute("drop function forget_shape; drop table entity_shape; drop table shape")
    await connection.execute("delete from migration where name = '0026_discovery.sql'")
    await connection.close()
    assert await migrate.run(dsn) == ["0026_discovery.sql"]
    assert await _told(city) == before
