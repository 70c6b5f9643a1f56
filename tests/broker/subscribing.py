"""What tests of notifications do again and again."""

import asyncio
from typing import Any

import httpx

from tests.broker.sink import Sink

ROOM = "urn:ngsi-ld:Room:1"
ID = "urn:ngsi-ld:Subscription:1"


async def subscribe(client: httpx.AsyncClient, sink: Sink, **more: Any) -> None:
    notification = more.pop("notification", {})
    endpoint = {"uri": sink.url, **notification.pop("endpoint", {})}
    body = {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {**notification, "endpoint": endpoint},
        **more,
    }
    answer = await client.post("/subscriptions", json={key: value for key, value in body.items() if value is not None})
    assert answer.status_code == 201, answer.text


def room(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", **attributes}


async def create(client: httpx.AsyncClient, **attributes: Any) -> None:
    assert (await client.post("/entities", json=room(**attributes))).status_code == 201


async def set_to(client: httpx.AsyncClient, number: int = 1, **attributes: Any) -> None:
    answer = await client.post(f"/entities/urn:ngsi-ld:Room:{number}/attrs", json=attributes)
    assert answer.status_code == 204, answer.text


async def told(client: httpx.AsyncClient, **expected: Any) -> Any:
    """What the subscription tells of its notifications, once it says what is `expected`: it is saved now and then."""
    end = asyncio.get_running_loop().time() + 10
    while True:
        found = (await client.get(f"/subscriptions/{ID}")).json()["notification"]
        if expected.items() <= found.items():
            return found
        assert asyncio.get_running_loop().time() < end, found
        await asyncio.sleep(0.05)


async def account(client: httpx.AsyncClient, **expected: int) -> Any:
    """The account once it says what is `expected`; it must add up whenever it is read."""
    end = asyncio.get_running_loop().time() + 10
    while True:
        found = (await client.get(f"/subscriptions/{ID}/account")).json()
        parts = ("delivered", "pending", "dead", "coalesced")
        assert found["matched"] == sum(found[name] for name in parts), found
        if expected.items() <= found.items():
            return found
        assert asyncio.get_running_loop().time() < end, found
        await asyncio.sleep(0.05)
