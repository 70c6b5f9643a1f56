"""A user's other names for the standard's members, in every body they may stand in (JSON-LD 1.1, 4.1.6)."""

from typing import Any

import httpx
import pytest

from tests.broker.meanings import link
from tests.broker.sources import Source

ID = "urn:x:1"
GERMAN = {
    "Kennung": "@id",
    "Art": "@type",
    "Wert": "ngsi-ld:hasValue",
    "Eigenschaft": "ngsi-ld:Property",
    "beobachtet": "ngsi-ld:observedAt",
    "p": "https://a.example/p",
    "j": "https://a.example/j",
}
AT = "2026-06-19T03:50:00Z"
STORED = {"id": ID, "type": "T", "p": {"type": "Property", "value": {"a": 1}}, "j": {"json": {"a": 1}}}

# method, path after the id, body; then attribute and what it holds
BODIES: dict[str, tuple[str, str, Any, str, Any]] = {
    "replace": ("PUT", "/attrs/p", {"type": "Eigenschaft", "Wert": {"Wert": 2}}, "p", {"value": {"Wert": 2}}),
    "replace of JSON": ("PUT", "/attrs/j", {"json": {"Wert": 2, "value": 3}}, "j", {"json": {"Wert": 2, "value": 3}}),
    "partial update": ("PATCH", "/attrs/p", {"Wert": {"Kennung": 4}}, "p", {"value": {"Kennung": 4}}),
    "of a time": ("PATCH", "/attrs/p", {"beobachtet": AT}, "p", {"value": {"a": 1}, "observedAt": AT}),
    "simplified merge": ("PATCH", "?options=keyValues", {"p": {"Wert": 5}}, "p", {"value": {"a": 1, "Wert": 5}}),
    "merge": ("PATCH", "", {"Kennung": ID, "p": {"Wert": {"Wert": 5}}}, "p", {"value": {"a": 1, "Wert": 5}}),
    "update": ("PATCH", "/attrs", {"p": {"Art": "Eigenschaft", "Wert": 6}}, "p", {"value": 6}),
}


@pytest.fixture
async def german(city: httpx.AsyncClient, web: Source) -> httpx.AsyncClient:
    city.headers.update(link(web.put("/de.jsonld", GERMAN)))
    assert (await city.post("/entities", json=STORED)).status_code == 201
    return city


@pytest.mark.parametrize("case", BODIES)
async def test_each_body(german: httpx.AsyncClient, case: str) -> None:
    method, path, body, name, expected = BODIES[case]
    answer = await german.request(method, f"/entities/{ID}{path}", json=body)
    assert answer.status_code == 204, answer.text
    found = (await german.get(f"/entities/{ID}")).json()
    assert {key: item for key, item in found[name].items() if key not in ("type", "Art")} == expected


async def test_a_simplified_batch(german: httpx.AsyncClient) -> None:
    body = [{"Kennung": ID, "p": {"Wert": 5}}]
    assert (await german.post("/entityOperations/merge?options=keyValues", json=body)).status_code == 204
    assert (await german.get(f"/entities/{ID}?options=keyValues")).json()["p"] == {"a": 1, "Wert": 5}


@pytest.mark.parametrize("name", ["beobachtet", "ngsi-ld:observedAt"])
async def test_questions(german: httpx.AsyncClient, name: str) -> None:
    await german.patch(f"/entities/{ID}/attrs/p", json={"observedAt": AT})
    found = (await german.get("/entities", params={"type": "T", "q": f"p.{name}>2020-01-01T00:00:00Z"})).json()
    assert [entity["id"] for entity in found] == [ID]
    assert (await german.get("/entities", params={"type": "T", "q": f"p.{name}>2030-01-01T00:00:00Z"})).json() == []


async def test_projections(german: httpx.AsyncClient) -> None:
    assert (await german.get(f"/entities/{ID}?pick=Kennung,p")).json().keys() == {"id", "p"}
