"""What stands in a notification, by the members of its subscription (GS CIM 009, 5.3.1, 5.8.6, 6.3.6)."""

from typing import Any

import httpx
import pytest

from tests.broker.sink import Sink
from tests.broker.subscribing import ID, ROOM, create, set_to, subscribe

GEO = "application/geo+json"


@pytest.fixture
def client(notifying: httpx.AsyncClient) -> httpx.AsyncClient:
    return notifying


@pytest.mark.parametrize("preference", ["body=json", 'foo, body="json"'])
async def test_geojson_without_its_context_has_a_link_to_it(
    client: httpx.AsyncClient, sink: Sink, preference: str
) -> None:
    endpoint = {"accept": GEO, "receiverInfo": [{"key": "prefer", "value": preference}]}
    await subscribe(client, sink, notification={"endpoint": endpoint})
    await create(client, a=1)
    (taken,) = await sink.wait(1)
    assert taken.headers["content-type"] == GEO
    assert "@context" not in taken.data
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in taken.headers["link"]


async def test_geojson_with_its_context_has_no_link(client: httpx.AsyncClient, sink: Sink) -> None:
    endpoint = {"accept": GEO, "receiverInfo": [{"key": "Prefer", "value": "body=ld+json"}]}
    await subscribe(client, sink, notification={"endpoint": endpoint})
    await create(client, a=1)
    (taken,) = await sink.wait(1)
    assert "@context" in taken.data
    assert "link" not in taken.headers


@pytest.mark.parametrize(("format", "objects"), [("normalized", [{"object": "urn:x:1"}]), ("concise", ["urn:x:1"])])
async def test_previous_values_are_written_like_the_values(
    client: httpx.AsyncClient, sink: Sink, format: str, objects: Any
) -> None:
    await subscribe(client, sink, notification={"showChanges": True, "format": format})
    await create(client, v={"vocab": "open"}, w={"vocab": ["a", "b"]}, r={"objectList": ["urn:x:1"]})
    await set_to(client, v={"vocab": "closed"}, w={"vocab": ["c"]}, r={"objectList": ["urn:x:2"]})
    (_, taken) = await sink.wait(2)
    (entity,) = taken.data
    assert entity["v"]["previousVocab"] == "open"
    assert entity["w"]["previousVocab"] == ["a", "b"]
    assert entity["r"]["previousObjectList"] == objects


async def test_system_attributes_tell_when_it_expires(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notification={"sysAttrs": True})
    await client.post("/entities", json={"id": ROOM, "type": "Room", "a": 1, "expiresAt": "2099-01-01T00:00:00Z"})
    await set_to(client, a={"type": "Property", "value": 2, "expiresAt": "2098-01-01T00:00:00Z"})
    first, second = await sink.wait(2)
    assert first.data[0]["expiresAt"] == second.data[0]["expiresAt"] == "2099-01-01T00:00:00Z"
    assert second.data[0]["a"]["expiresAt"] == "2098-01-01T00:00:00Z"
    assert "deletedAt" not in second.data[0]


async def test_the_moment_of_expiry_can_be_asked_for(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="expiresAt>2098-01-01T00:00:00Z")
    await client.post("/entities", json={"id": ROOM, "type": "Room", "a": 1, "expiresAt": "2099-01-01T00:00:00Z"})
    (taken,) = await sink.wait(1)
    assert "expiresAt" not in taken.data[0]


async def test_values_that_are_names_match_when_they_are_expanded(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q='state=="open"', expandValues="state")
    await subscribe(client, sink, id=f"{ID}2", q='state=="open"')
    await create(client, state={"vocab": "open"})
    (taken,) = await sink.wait(1)
    assert taken.body["subscriptionId"] == ID
    assert len(await sink.quiet(0.2)) == 1
    assert (await client.get(f"/subscriptions/{ID}")).json()["q"] == 'state=="open"'
