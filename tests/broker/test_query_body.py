"""Queries in a body (GS CIM 009, 5.7.2, 6.23)."""

from typing import Any

import httpx
import pytest

from tests.broker.world import BARE, CITY, CORE, GEO, HANA, LD, STORE

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
