"""How notifications travel: throttled, periodic, by MQTT, given up, replayed, explained."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import asyncpg
import httpx
import orjson
import pytest

from broker.guard import Guard
from broker.subscriptions.mqtt import Server
from ngsi.endpoint import address
from tests.adapters.conftest import Mosquitto
from tests.broker.running import inside
from tests.broker.sink import Sink, Taken, until
from tests.broker.subscribing import ID, ROOM, account, create, room, set_to, subscribe
from tests.stopping import stops_when_asked


@pytest.fixture
def client(notifying: httpx.AsyncClient) -> httpx.AsyncClient:
    return notifying


async def test_throttling_lets_the_last_value_arrive(client: httpx.AsyncClient, sink: Sink) -> None:
    changed = asyncio.Event()

    async def answer(_: Sink, __: Taken) -> int:
        await changed.wait()  # what comes while one is under way is told with the next
        return 200

    sink.answer = answer
    await subscribe(client, sink, throttling=1, notification={"endpoint": {"timeout": 30_000}})
    began = asyncio.get_running_loop().time()
    await create(client, a=0)
    await until(lambda: sink.requests)
    for value in range(1, 20):
        await set_to(client, a=value)
        await client.post("/entities", json=room(100 + value, a=value))
    await account(client, pending=39)
    changed.set()
    taken = await sink.wait(2)
    assert taken[0].data[0]["a"]["value"] == 0
    assert taken[1].at - began >= 1
    told = {entity["id"]: entity["a"]["value"] for entity in taken[1].data}
    assert told == {ROOM: 19} | {f"urn:ngsi-ld:Room:{100 + value}": value for value in range(1, 20)}
    assert [item.sequence for item in taken] == [1, 2]
    await account(client, matched=39, delivered=21, coalesced=18)
    again = (await client.get(f"/subscriptions/{ID}/notifications?after=1")).json()
    assert [item["sequence"] for item in again] == [2]
    assert again[0]["notification"]["id"] == taken[1].body["id"]
    assert again[0]["notification"]["data"] == taken[1].data


async def test_what_is_written_together_is_told_together(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, throttling=1000)
    answer = await client.post("/entityOperations/create", json=[room(number, a=number) for number in range(20)])
    assert answer.status_code == 201
    (taken,) = await sink.wait(1)
    assert [entity["a"]["value"] for entity in taken.data] == list(range(20))


async def test_a_clock_that_was_set_back_makes_no_period_longer(dsn: str, sink: Sink) -> None:
    async with inside(dsn, remote_allow="127.0.0.0/8") as client:
        await subscribe(client, sink, throttling=1)
        await create(client, a=0)
        await sink.wait(1)
    connection = await asyncpg.connect(dsn)
    await connection.execute("update subscription_state set last_notification = now() + interval '1 hour'")
    await connection.close()
    async with inside(dsn, remote_allow="127.0.0.0/8") as client:
        await set_to(client, a=1)
        await sink.wait(2, 5)


async def test_periodic_notifications_tell_all_that_match(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, timeInterval=0.5, q="a>1", notification={"endpoint": {"timeout": 30_000}})
    await asyncio.sleep(0.8)
    assert not sink.requests  # nothing matches, nothing is sent
    began = asyncio.get_running_loop().time()
    for value in range(4):
        await client.post("/entities", json=room(value, a=value))
    # the ones before may have come while the rooms were being made
    told = await until(lambda: found if len(found := [item for item in sink.taken if len(item.data) == 2]) >= 4 else [])
    assert sorted(entity["a"]["value"] for entity in told[0].data) == [2, 3]
    assert all(item.data == told[0].data for item in told)
    assert told[3].at - began >= 1  # however late the first two come, the others keep their distance
    assert [item.sequence for item in sink.taken] == list(range(1, len(sink.taken) + 1))
    await account(client)


async def test_linked_entities_travel_inside(client: httpx.AsyncClient, sink: Sink) -> None:
    await client.post("/entities", json={"id": "urn:ngsi-ld:House:1", "type": "House", "name": "H"})
    await subscribe(client, sink, notification={"join": "inline", "format": "simplified"})
    await subscribe(client, sink, id=f"{ID}f", notification={"join": "flat", "format": "simplified"})
    await create(client, a=1, isIn={"type": "Relationship", "object": "urn:ngsi-ld:House:1"})
    inline, flat = sorted(await sink.wait(2), key=lambda item: len(item.data))
    house = {"id": "urn:ngsi-ld:House:1", "type": "House", "name": "H"}
    assert inline.data == [{"id": ROOM, "type": "Room", "a": 1, "isIn": house}]
    for name, taken in ((ID, inline), (f"{ID}f", flat)):
        (again,) = (await client.get(f"/subscriptions/{name}/notifications")).json()
        assert again["notification"]["data"] == taken.data
    assert flat.data == [{"id": ROOM, "type": "Room", "a": 1, "isIn": house["id"]}, house]


async def test_linked_entities_are_followed_by_what_is_picked_of_them(client: httpx.AsyncClient, sink: Sink) -> None:
    city = {"id": "urn:ngsi-ld:City:1", "type": "City", "name": "金沢"}
    house = {"id": "urn:ngsi-ld:House:1", "type": "House", "name": "H", "city": {"object": city["id"]}}
    for entity in (city, house):
        await client.post("/entities", json=entity)
    picked = {"pick": ["isIn{city{name}}"], "join": "inline", "joinLevel": 2, "format": "simplified"}
    await subscribe(client, sink, notification=picked)
    await create(client, a=1, isIn={"type": "Relationship", "object": house["id"]})
    (taken,) = await sink.wait(1)
    assert taken.data == [{"isIn": {"city": {"name": "金沢"}}}]


async def test_what_nobody_takes_is_a_dead_letter_until_it_is_sent_again(client: httpx.AsyncClient, sink: Sink) -> None:
    async def refuse_rooms(_: Sink, request: Taken) -> int:
        return 422 if request.data[0]["id"] == ROOM else 200

    sink.answer = refuse_rooms
    await subscribe(client, sink)
    await create(client, a=1)
    for number in range(2, 12):  # the others overtake it
        await client.post("/entities", json=room(number, a=number))
    await sink.wait(10)
    letters: Any = await _letters(client)
    assert [letter["sequence"] for letter in letters] == [1]
    assert letters[0]["reason"] == "HTTP status 422"
    assert letters[0]["notification"]["data"][0]["id"] == ROOM
    await account(client, delivered=10, dead=1, pending=0)

    async def take(_: Sink, __: Taken) -> int:
        return 200

    sink.answer = take
    answer = await client.post(f"/subscriptions/{ID}/redrive")
    assert answer.status_code == 202
    assert answer.json() == {"redriven": 1}
    await sink.wait(11)
    assert sink.taken[-1].sequence == 1
    assert sink.taken[-1].body["id"] == letters[0]["id"]
    await account(client, delivered=11, dead=0)
    assert (await client.get(f"/subscriptions/{ID}/deadLetters")).json() == []


async def _letters(client: httpx.AsyncClient) -> Any:
    for _ in range(100):
        found = (await client.get(f"/subscriptions/{ID}/deadLetters")).json()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("no dead letter")


async def test_what_left_the_log_before_it_was_told_is_told_of(
    client: httpx.AsyncClient, sink: Sink, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribe(client, sink)
    await create(client, a=0)
    await sink.wait(1)
    await account(client, delivered=1)
    await client.patch(f"/subscriptions/{ID}", json={"isActive": False})
    connection = await asyncpg.connect(dsn)
    position = await connection.fetchval("select max(seq) from log")
    for value in range(1, 5):
        await set_to(client, a=value)
    await connection.execute("update subscription_state set behind = true, position = $1", position)
    await connection.execute("delete from log where seq <= $1", position + 2)  # as its oldest chunk goes
    await connection.execute(
        "update subscription set document = jsonb_set(document, '{isActive}', 'true');"
        "select pg_notify('subscription', no::text) from subscription"
    )
    await connection.close()
    taken = await sink.wait(3)
    assert [item.data[0]["a"]["value"] for item in taken] == [0, 3, 4]
    assert f"changes {position + 1} to {position + 2} had left the log" in caplog.text


async def test_notifications_are_made_again_from_the_log(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="a!=3")
    await create(client, a=0)
    for value in range(1, 8):
        await set_to(client, a=value)
    taken = await sink.wait(7)
    again = (await client.get(f"/subscriptions/{ID}/notifications?after=4&limit=2")).json()
    assert [item["sequence"] for item in again] == [5, 6]
    for item in again:
        sent = taken[item["sequence"] - 1].body
        assert {**item["notification"], "notifiedAt": sent["notifiedAt"]} == sent
    await client.patch(f"/subscriptions/{ID}", json={"q": "a>100"})
    await asyncio.sleep(0.3)
    await set_to(client, a=101)
    await sink.wait(8)
    assert sink.taken[-1].sequence == 8  # numbers go on
    refused = await client.get(f"/subscriptions/{ID}/notifications?after=2")
    assert refused.status_code == 404
    assert "the first that can be is 8" in refused.json()["detail"]


async def test_an_explanation_names_the_clause_that_does_not_hold(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="a>5", watchedAttributes=["b"], scopeQ="/x")
    answer = await client.post(f"/subscriptions/{ID}/explain", json=room(a=6, scope="/x"))
    assert answer.json() == {
        "matches": False,
        "status": "active",
        "clauses": {
            "notificationTrigger": True,
            "entities": True,
            "watchedAttributes": False,
            "scopeQ": True,
            "q": True,
        },
    }
    whole = await client.post(f"/subscriptions/{ID}/explain", json=room(a=6, b=1, scope="/x"))
    assert whole.json()["matches"] is True


@pytest.mark.parametrize(("version", "qos"), [("mqtt3.1.1", "1"), ("mqtt5.0", "2")])
async def test_mqtt(client: httpx.AsyncClient, tmp_path: Path, sink: Sink, version: str, qos: str) -> None:
    server = Mosquitto(tmp_path)
    server.start()
    place = urlsplit(server.url)
    info = [{"key": "MQTT-Version", "value": version}, {"key": "MQTT-QoS", "value": qos}]
    endpoint = {
        "uri": f"{server.url}/city/rooms",
        "notifierInfo": info,
        "receiverInfo": [{"key": "X-Answer", "value": "42"}],
    }
    try:
        await subscribe(client, sink, notification={"endpoint": endpoint})
        async with aiomqtt.Client(str(place.hostname), int(place.port or 0)) as listener:
            await listener.subscribe("city/#", qos=2)
            await create(client, a=0)
            async with asyncio.timeout(20):
                message = await anext(aiter(listener.messages))
        body = orjson.loads(bytes(message.payload))
        assert str(message.topic) == "city/rooms"
        assert body["metadata"]["Content-Type"] == "application/json"
        assert body["metadata"]["X-Answer"] == "42"
        assert body["metadata"]["Notification-Sequence"] == "1"
        assert "json-ld#context" in body["metadata"]["Link"]
        assert body["body"]["data"][0]["a"]["value"] == 0

        server.stop()  # what changes while the server is away arrives when it is back
        for value in (1, 2, 3):
            await set_to(client, a=value)
        await asyncio.sleep(0.3)
        server.start()
        async with aiomqtt.Client(str(place.hostname), int(place.port or 0)) as listener:
            await listener.subscribe("city/#", qos=2)
            await set_to(client, a=4)
            async with asyncio.timeout(20):
                async for message in listener.messages:
                    if orjson.loads(bytes(message.payload))["body"]["data"][0]["a"]["value"] == 4:
                        break
        await account(client, delivered=5, pending=0)
    finally:
        server.stop()


async def test_a_publication_by_mqtt_can_be_stopped_at_any_moment(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    server.start()
    publisher = Server(Guard("127.0.0.0/8"), address(f"{server.url}/city"), "mqtt3.1.1", 5)

    async def endlessly() -> None:
        while True:
            await publisher.publish("city", b"", 1)

    try:
        await stops_when_asked(endlessly)
        await publisher.close()
    finally:
        server.stop()
