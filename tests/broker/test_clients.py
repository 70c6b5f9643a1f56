"""Requests as load tests, agents and dashboards of other brokers send them, one story each."""

from typing import Any

import httpx
import pytest

from tests.broker.sink import Sink

STORE = "urn:ngsi-ld:store:a3c0e1"
CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.3.jsonld"
LD = {"Content-Type": "application/ld+json"}


def store(**more: Any) -> dict[str, Any]:
    return {
        "type": "timed-store",
        "id": STORE,
        "temperature": {"type": "Property", "value": -1712},
        "sent-time": {"type": "Property", "value": 1700000000000},
        "open": {"type": "Property", "value": "true"},
        "owner": {"type": "Relationship", "object": "urn:ngsi-ld:owner:random-owner"},
        "@context": CONTEXT,
        **more,
    }


async def test_names_with_a_dash_work_everywhere(notifying: httpx.AsyncClient, sink: Sink) -> None:
    client = notifying
    wanted = {
        "type": "Subscription",
        "@context": CONTEXT,
        "entities": [{"id": STORE, "type": "timed-store"}],
        "watchedAttributes": ["temperature"],
        "q": "sent-time>0",
        "notification": {"attributes": ["temperature", "sent-time"], "endpoint": {"uri": sink.url}},
    }
    made = await client.post("/subscriptions", json=wanted, headers=LD)
    assert made.status_code == 201, made.text
    assert (await client.post("/entityOperations/create", json=[store()], headers=LD)).status_code == 201
    await sink.wait(1)
    change = {"temperature": {"value": 2}, "sent-time": {"value": 1700000000001}, "@context": CONTEXT}
    assert (await client.post(f"/entities/{STORE}/attrs", json=change, headers=LD)).status_code == 204
    taken = await sink.wait(2)
    assert taken[1].body["data"][0]["sent-time"]["value"] == 1700000000001
    assert (await client.get(made.headers["location"].removeprefix("/ngsi-ld/v1"))).json()["q"] == "sent-time>0"
    for question in (
        "type=timed-store",
        "q=sent-time==1700000000001",
        "attrs=sent-time",
        "type=timed-store&pick=sent-time",
    ):
        [found] = (await client.get(f"/entities?{question}")).json()
        assert found["sent-time"]["value"] == 1700000000001
    assert (await client.get("/types/timed-store")).json()["entityCount"] == 1
    assert (await client.delete(f"/entities/{STORE}/attrs/sent-time")).status_code == 204


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ('(open=="true")', True),
        ('((open=="true")|(owner=="owner3"))', True),
        ('((open=="false")|(owner=="owner3"))', False),
        ('"open"=="true"', True),
        ('"https://uri.etsi.org/ngsi-ld/default-context/open"=="true"', True),
    ],
)
async def test_how_queries_are_bracketed_and_quoted(client: httpx.AsyncClient, q: str, found: bool) -> None:
    await client.post("/entities", json=store(), headers=LD)
    answer = await client.get("/entities", params={"type": "timed-store", "q": q}, headers=LD)
    assert (answer.status_code, bool(answer.json())) == (200, found)


async def test_the_examples_of_scopes_in_the_standard(client: httpx.AsyncClient) -> None:
    """C.5.15 and C.5.16: a scope query in quotation marks, and scope among the attributes of a history."""
    speed = {"type": "Property", "value": 120, "observedAt": "2018-08-01T12:03:00Z"}
    vehicle = {"id": "urn:ngsi-ld:Vehicle:B9211", "type": "Vehicle", "scope": "/Madrid/Centro", "speed": speed, "n": 1}
    await client.post("/entities", json=vehicle)
    asked = {"type": "Vehicle", "scopeQ": '"/Madrid/Centro,/Madrid/Cortes"', "attrs": "speed,scope"}
    [found] = (await client.get("/entities", params=asked)).json()
    assert found.keys() == {"id", "type", "scope", "speed"}
    window = {"timerel": "after", "timeAt": "2018-08-01T12:00:00Z"}
    [found] = (await client.get("/temporal/entities", params={**asked, **window})).json()
    assert found.keys() == {"id", "type", "scope", "speed"}
