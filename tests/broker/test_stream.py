"""Live streams: Server-Sent Events and WebSocket on a broker of its own."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.broker.running import Running

V1 = "/ngsi-ld/v1"


@pytest.fixture
async def broker(dsn: str) -> AsyncIterator[Running]:
    async with Running(dsn, cors_origins="https://page.example") as one:
        yield one


async def create(broker: Running, number: int, kind: str = "Room", **headers: str) -> None:
    body = {"id": f"urn:ngsi-ld:{kind}:{number}", "type": kind, "a": number}
    async with httpx.AsyncClient(base_url=broker.url + V1) as client:
        assert (await client.post("/entities", json=body, headers=headers)).status_code == 201


async def opened(broker: Running, count: int, **given: str) -> asyncio.Task[list[dict[str, Any]]]:
    """What reads the next `count` events of a stream, once the stream has begun."""
    begun = asyncio.Event()
    reading = asyncio.create_task(read(broker, count, begun=begun, **given))
    async with asyncio.timeout(15):
        await begun.wait()
    return reading


async def read(
    broker: Running, count: int, last: str | None = None, begun: asyncio.Event | None = None, **given: str
) -> list[dict[str, Any]]:
    """The next `count` events of a stream."""
    headers = {"Last-Event-ID": last} if last else {}
    found: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(15),
        httpx.AsyncClient(base_url=broker.url + V1, timeout=15) as client,
        client.stream("GET", "/stream", params=given, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        if begun:
            begun.set()
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            else:
                if "data" in event:
                    found.append({**event, "data": orjson.loads(event["data"])})
                event = {}
            if len(found) == count:
                break
    return found


async def test_events_come_as_they_happen_and_only_those_asked_for(broker: Running) -> None:
    await create(broker, 0)  # before: not told
    reading = await opened(broker, 2, type="Room", q="a>1", format="simplified")
    await create(broker, 1)
    await create(broker, 2, "Car")
    await create(broker, 2)
    await create(broker, 3)
    found = await reading
    assert [event["event"] for event in found] == ["created", "created"]
    assert [event["data"] for event in found] == [
        {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "a": number} for number in (2, 3)
    ]


async def test_a_stream_goes_on_where_it_was_after_a_restart(broker: Running) -> None:
    reading = await opened(broker, 1, type="Room")
    await create(broker, 1)
    (first,) = await reading
    await create(broker, 2)
    await broker.kill()
    await broker.start()
    await create(broker, 3)
    found = await read(broker, 2, first["id"], type="Room")
    assert [event["data"]["a"]["value"] for event in found] == [2, 3]


async def test_tenants_do_not_hear_each_other(broker: Running) -> None:
    await create(broker, 0, **{"NGSILD-Tenant": "a"})
    reading = await opened(broker, 1, type="Room", tenant="a")
    await create(broker, 1)
    await create(broker, 2, **{"NGSILD-Tenant": "a"})
    (event,) = await reading
    assert event["data"]["a"]["value"] == 2


async def test_a_deleted_entity_is_told_and_bad_questions_are_refused(broker: Running) -> None:
    await create(broker, 1)
    reading = await opened(broker, 1, type="Room")
    async with httpx.AsyncClient(base_url=broker.url + V1) as client:
        await client.delete("/entities/urn:ngsi-ld:Room:1")
        (event,) = await reading
        assert event["event"] == "deleted"
        assert event["data"].keys() == {"id", "type", "deletedAt"}
        assert (await client.get("/stream")).status_code == 400  # too wide
        assert (await client.get("/stream?type=Room&q=a%3E")).status_code == 400
        assert (await client.get("/stream?type=Room&tenant=nobody")).status_code == 404
        assert (await client.get("/stream?type=Room&lastEventId=x")).status_code == 400
        page = {"Origin": "https://page.example"}
        async with client.stream("GET", "/stream?type=Room", headers=page) as answer:
            assert answer.headers["access-control-allow-origin"] == "https://page.example"


@pytest.mark.skipif(importlib.util.find_spec("websockets") is None, reason="uvicorn needs websockets for WebSocket")
async def test_the_same_by_websocket(broker: Running) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    place = f"ws://127.0.0.1:{broker.port}{V1}/stream?type=Room&format=simplified"
    async with connect(place, origin="https://page.example") as socket:
        await asyncio.sleep(1)
        await create(broker, 1)
        message = orjson.loads(await asyncio.wait_for(socket.recv(), 5))
    assert message["event"] == "created"
    assert message["entity"] == {"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": 1}
    await create(broker, 2)
    async with connect(f"{place}&lastEventId={message['id']}") as socket:
        assert orjson.loads(await asyncio.wait_for(socket.recv(), 5))["entity"]["a"] == 2
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with connect(place, origin="https://elsewhere.example") as socket:
            await socket.recv()
