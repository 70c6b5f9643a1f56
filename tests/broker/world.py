"""The world that tests of questions look at, and nobody changes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from tests.broker.databases import database
from tests.broker.running import inside

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
async def http(server: str, template: str) -> AsyncIterator[httpx.AsyncClient]:
    """A broker that knows WORLD; its tests only read."""
    async with database(server, template) as dsn, inside(dsn) as client:
        for entity in WORLD:
            assert (await client.post("/entities", json=entity)).status_code == 201
        yield client


async def get(http: httpx.AsyncClient, path: str, headers: Any = None, **params: Any) -> Any:
    answer = await http.get(path, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def retrieved(http: httpx.AsyncClient, entity_id: str, headers: Any = None, **params: Any) -> Any:
    return await get(http, f"/entities/{entity_id}", headers, **params)
