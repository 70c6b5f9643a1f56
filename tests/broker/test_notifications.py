"""What a subscriber is told (GS CIM 009, 5.8.6), by HTTP to a real endpoint."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ngsi import times
from ngsi.event import Event
from ngsi.notification import Form
from tests.broker.sink import Sink
from tests.broker.subscribing import ID, ROOM, account, create, room, set_to, subscribe, told


@pytest.fixture
def client(notifying: httpx.AsyncClient) -> httpx.AsyncClient:
    return notifying


async def test_a_change_is_told_with_the_whole_entity(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink)
    await create(client, temperature=20, name="金沢")
    await set_to(client, temperature=21)
    first, second = await sink.wait(2)
    assert first.body["type"] == "Notification"
    assert first.body["subscriptionId"] == ID
    assert first.body["id"].startswith("urn:ngsi-ld:Notification:")
    assert first.body["id"] != second.body["id"]
    assert second.data == [
        {
            "id": ROOM,
            "type": "Room",
            "temperature": {"type": "Property", "value": 21},
            "name": {"type": "Property", "value": "金沢"},
        }
    ]
    assert second.headers["content-type"] == "application/json"
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in second.headers["link"]
    assert [item.sequence for item in sink.taken] == [1, 2]
    found = await told(client, timesSent=2, status="ok")
    assert found["lastNotification"] == found["lastSuccess"]


async def test_what_does_not_change_is_not_told(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink)
    await create(client, temperature=20)
    await set_to(client, temperature=20)
    await client.post("/entities", json={"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 1})
    await set_to(client, temperature=21)
    await sink.wait(2)
    assert len(await sink.quiet()) == 2


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        (None, ["create", "set", "add"]),
        (["attributeCreated"], ["create", "add"]),
        (["attributeUpdated"], ["set"]),
        (["attributeDeleted"], ["remove"]),
        (["entityCreated"], ["create"]),
        (["entityUpdated"], ["create", "set", "add", "remove"]),
        (["entityDeleted"], ["delete"]),
    ],
)
async def test_triggers(client: httpx.AsyncClient, sink: Sink, triggers: Any, expected: list[str]) -> None:
    steps = {
        "create": client.post("/entities", json=room(a=1)),
        "set": client.post(f"/entities/{ROOM}/attrs", json={"a": 2}),
        "add": client.post(f"/entities/{ROOM}/attrs", json={"b": 1}),
        "remove": client.delete(f"/entities/{ROOM}/attrs/b"),
        "delete": client.delete(f"/entities/{ROOM}"),
    }
    await subscribe(client, sink, notificationTrigger=triggers)
    found = []
    for name, step in steps.items():
        before = len(sink.taken)
        await step
        if name in expected:
            await sink.wait(before + 1)
        else:
            await asyncio.sleep(0.1)
        if len(sink.taken) > before:
            found.append(name)
    assert found == expected


async def test_watched_attributes_limit_what_fires_not_what_is_told(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, watchedAttributes=["a"], entities=None)
    await create(client, b=1)
    await set_to(client, b=2)
    await set_to(client, a=1)
    (taken,) = await sink.wait(1)
    assert taken.data[0].keys() == {"id", "type", "a", "b"}
    assert len(await sink.quiet(0.2)) == 1


async def test_ids_and_patterns_select(client: httpx.AsyncClient, sink: Sink) -> None:
    entities = [{"type": "Room", "id": "urn:ngsi-ld:Room:1"}, {"type": "Room,Hall", "idPattern": "2$"}]
    await subscribe(client, sink, entities=entities)
    for number in (1, 2, 3):
        await client.post("/entities", json=room(number, a=1))
    await sink.wait(2)
    assert [item.data[0]["id"][-1] for item in await sink.quiet(0.2)] == ["1", "2"]


async def test_a_deleted_entity_is_told_by_its_id(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notificationTrigger=["entityDeleted"])
    await create(client, a=1)
    await client.delete(f"/entities/{ROOM}")
    (taken,) = await sink.wait(1)
    assert taken.data[0].keys() == {"id", "type", "deletedAt"}


async def test_a_deleted_entity_with_changes_shows_what_was(client: httpx.AsyncClient, sink: Sink) -> None:
    wanted = {"showChanges": True, "sysAttrs": True}
    await subscribe(client, sink, notificationTrigger=["entityDeleted"], notification=wanted)
    await create(client, a=1)
    await client.delete(f"/entities/{ROOM}")
    (taken,) = await sink.wait(1)
    entity = taken.data[0]
    assert entity.keys() == {"id", "type", "createdAt", "modifiedAt", "deletedAt", "a"}
    assert entity["a"]["value"] == "urn:ngsi-ld:null"
    assert entity["a"]["previousValue"] == 1


async def test_a_deleted_attribute_is_null(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notificationTrigger=["attributeDeleted"])
    await create(client, a=1, b=2)
    await client.delete(f"/entities/{ROOM}/attrs/a")
    (taken,) = await sink.wait(1)
    assert taken.data[0]["a"] == "urn:ngsi-ld:null"
    assert taken.data[0]["b"]["value"] == 2


async def test_a_deleted_instance_is_named_by_its_dataset(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notificationTrigger=["attributeDeleted"])
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    await create(client, a=two)
    await client.delete(f"/entities/{ROOM}/attrs/a?datasetId=urn:d:2")
    (taken,) = await sink.wait(1)
    assert taken.data[0]["a"] == [
        {"type": "Property", "value": 1},
        {"type": "Property", "value": "urn:ngsi-ld:null", "datasetId": "urn:d:2"},
    ]


async def test_changes_are_shown(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notification={"showChanges": True})
    await create(client, a=1, b={"type": "Relationship", "object": "urn:x:1"}, c={"languageMap": {"ja": "雪"}})
    await set_to(client, a=2, b={"type": "Relationship", "object": "urn:x:2"}, c={"languageMap": {"ja": "雨"}})
    first, second = await sink.wait(2)
    assert "previousValue" not in first.data[0]["a"]
    assert second.data[0]["a"]["previousValue"] == 1
    assert second.data[0]["b"]["previousObject"] == "urn:x:1"
    assert second.data[0]["c"]["previousLanguageMap"] == {"ja": "雪"}


async def test_formats_and_projection(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notification={"format": "simplified", "attributes": ["a"]})
    await create(client, a=1, b=2)
    (taken,) = await sink.wait(1)
    assert taken.data == [{"id": ROOM, "type": "Room", "a": 1}]


async def test_picked_members_in_one_language_of_one_dataset(client: httpx.AsyncClient, sink: Sink) -> None:
    wanted = {"pick": ["id", "name", "t"], "format": "simplified"}
    await subscribe(client, sink, lang="ja", datasetId=["@none"], notification=wanted)
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    await create(client, name={"languageMap": {"ja": "雪", "en": "snow"}}, t=two, other=3)
    (taken,) = await sink.wait(1)
    assert taken.data == [{"id": ROOM, "name": "雪", "t": 1}]


@pytest.mark.parametrize(
    ("filters", "matching", "other"),
    [
        ({"q": "a>5"}, room(a=6), room(a=5)),
        ({"q": 'a==1;name~="^K"'}, room(a=1, name="Kanazawa"), room(a=1, name="Tokyo")),
        ({"scopeQ": "/city/#"}, room(a=1, scope="/city/park"), room(a=1, scope="/land")),
        (
            {"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [136.65, 36.56]}},
            room(a=1, location={"type": "Point", "coordinates": [136.655, 36.56]}),
            room(a=1, location={"type": "Point", "coordinates": [136.75, 36.56]}),
        ),
    ],
)
async def test_filters_look_at_the_changed_entity(
    client: httpx.AsyncClient, sink: Sink, filters: Any, matching: Any, other: Any
) -> None:
    await subscribe(client, sink, **filters)
    await client.post("/entities", json={**other, "id": "urn:ngsi-ld:Room:2"})
    await client.post("/entities", json=matching)
    await sink.wait(1)
    (taken,) = await sink.quiet(0.2)
    assert taken.data[0]["id"] == ROOM


async def test_linked_data_carries_its_context(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notification={"endpoint": {"accept": "application/ld+json"}})
    await create(client, a=1)
    (taken,) = await sink.wait(1)
    assert taken.headers["content-type"] == "application/ld+json"
    assert "link" not in taken.headers
    assert taken.body["@context"].endswith("ngsi-ld-core-context-v1.9.jsonld")


async def test_geojson(client: httpx.AsyncClient, sink: Sink) -> None:
    point = {"type": "Point", "coordinates": [136.65, 36.56]}
    await subscribe(client, sink, notification={"endpoint": {"accept": "application/geo+json"}})
    await create(client, a=1, location=point)
    (taken,) = await sink.wait(1)
    assert taken.data["type"] == "FeatureCollection"
    assert taken.data["@context"]
    (feature,) = taken.data["features"]
    assert feature["id"] == ROOM
    assert feature["geometry"] == point
    assert feature["properties"]["a"]["value"] == 1


async def test_ngsiv2_clients_can_read_it(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, notification={"format": "x-ngsiv2-normalized"})
    reading = {"type": "Property", "value": 21.5, "unitCode": "CEL", "observedAt": "2026-06-19T03:50:00Z"}
    await create(client, t=reading, on=True)
    (taken,) = await sink.wait(1)
    assert taken.body == {
        "subscriptionId": ID,
        "data": [
            {
                "id": ROOM,
                "type": "Room",
                "t": {
                    "type": "Number",
                    "value": 21.5,
                    "metadata": {
                        "unitCode": {"type": "Text", "value": "CEL"},
                        "TimeInstant": {"type": "DateTime", "value": "2026-06-19T03:50:00Z"},
                    },
                },
                "on": {"type": "Boolean", "value": True, "metadata": {}},
            }
        ],
    }


@pytest.mark.parametrize("form", ["x-ngsiv2-keyValues", "x-ngsiv2-keyValues-compacted"])
async def test_ngsiv2_clients_can_read_bare_values(client: httpx.AsyncClient, sink: Sink, form: str) -> None:
    await subscribe(client, sink, notification={"format": form})
    await create(client, t={"value": 21.5, "unitCode": "CEL"}, at={"object": "urn:ngsi-ld:House:1"})
    (taken,) = await sink.wait(1)
    told = {"id": ROOM, "type": "Room", "t": 21.5, "at": "urn:ngsi-ld:House:1"}
    assert taken.body == {"subscriptionId": ID, "data": [told]}
    assert taken.headers["ngsiv2-attrsformat"] == "keyValues"


@pytest.mark.parametrize("q", ["a%3E1", "a>1;name==%22x%22"])
async def test_a_q_that_the_client_percent_encoded(client: httpx.AsyncClient, sink: Sink, q: str) -> None:
    await subscribe(client, sink, q=q)
    await create(client, a=2, name="x")
    (taken,) = await sink.wait(1)
    assert taken.body["data"][0]["a"]["value"] == 2
    assert "%" not in (await client.get(f"/subscriptions/{ID}")).json()["q"]


async def test_the_receiver_gets_its_headers_tenant_and_signature(client: httpx.AsyncClient, sink: Sink) -> None:
    key, old = b"0123456789abcdef0123", "an older secret of the same"
    secrets = ["whsec_" + base64.b64encode(key).decode(), old]
    endpoint = {
        "receiverInfo": [{"key": "Authorization", "value": "Bearer 金"}],
        "notifierInfo": [{"key": "Webhook-Secret", "value": secret} for secret in secrets],
    }
    client.headers["NGSILD-Tenant"] = "kanazawa"
    await subscribe(client, sink, notification={"endpoint": endpoint})
    await create(client, a=1)
    (taken,) = await sink.wait(1)
    assert taken.headers["authorization"] == "Bearer 金"
    assert taken.headers["ngsild-tenant"] == "kanazawa"
    assert taken.headers["webhook-id"] == taken.body["id"]
    content = f"{taken.body['id']}.{taken.headers['webhook-timestamp']}.".encode() + taken.raw
    assert taken.headers["webhook-signature"].split(" ") == [
        "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        for secret in (key, old.encode())
    ]


async def test_tenants_hear_their_own_changes_only(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink)
    await client.post("/entities", json=room(a=1), headers={"NGSILD-Tenant": "other"})
    await create(client, a=2)
    (taken,) = await sink.wait(1)
    assert taken.data[0]["a"]["value"] == 2
    assert len(await sink.quiet(0.2)) == 1


async def test_a_notification_that_cannot_be_made_keeps_no_other_back(
    client: httpx.AsyncClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Form.part

    def broken(form: Form, event: Event) -> bytes:
        if event.id == ROOM:
            raise TypeError("told wrongly")
        return make(form, event)

    monkeypatch.setattr(Form, "part", broken)
    await subscribe(client, sink)
    await create(client, a=1)
    found = await account(client, dead=1)
    assert found["failure"] == "internal error: TypeError"
    (letter,) = (await client.get(f"/subscriptions/{ID}/deadLetters")).json()
    assert (letter["reason"], letter["notification"]) == ("internal error: TypeError", None)
    await client.post("/entities", json=room(2, a=1))
    await sink.wait(1, 2)


async def test_changes_after_the_end_are_not_told(client: httpx.AsyncClient, sink: Sink) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    await subscribe(client, sink, expiresAt=times.text(end))
    await subscribe(client, sink, id=f"{ID}p", timeInterval=0.1, q="b", expiresAt=times.text(end))
    await create(client, a=1)
    await sink.wait(1)
    await asyncio.sleep((end - datetime.now(UTC)).total_seconds())
    for value in range(5):
        await set_to(client, a=2 + value, b=1)
        await asyncio.sleep(0.1)
    assert len(await sink.quiet(0.5)) == 1
