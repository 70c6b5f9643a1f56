"""Answers as GeoJSON (GS CIM 009, 4.5.16, 4.5.17)."""

from typing import Any

import httpx
import pytest

from tests.broker.world import CITY, CORE, GATE, GEO, HANA, POINT, STORE, TARO, get, retrieved

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    answer = await http.get("/entities?type=Store", headers={**GEO, "Prefer": "Body=json"})
    assert "@context" not in answer.json()
    assert CORE in answer.headers["link"]
    none = await get(http, "/entities", GEO, type="Unknown")
    assert none["features"] == []


async def test_flat_joins_are_feature_collections(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, HANA, GEO, join="flat")
    places = {item["id"]: item["geometry"] for item in body["features"]}
    assert places == {HANA: None, CITY: POINT, TARO: None}
