"""Subscriptions whose q reaches into the entities that the changed one is linked to (GS CIM 009, 4.9)."""

import httpx
import pytest

from tests.broker.sink import Sink, until
from tests.broker.subscribing import ID, account, create, room, set_to, subscribe

HOUSE = "urn:ngsi-ld:House:1"
TOWN = "urn:ngsi-ld:Town:1"
IN_A_HOUSE = {"type": "Relationship", "object": HOUSE}


@pytest.fixture
async def client(notifying: httpx.AsyncClient) -> httpx.AsyncClient:
    """With a house of three rooms in a town of snow."""
    town = {"id": TOWN, "type": "Town", "weather": "snow"}
    house = {"id": HOUSE, "type": "House", "rooms": 3, "liesIn": {"type": "Relationship", "object": TOWN}}
    for entity in (town, house):
        assert (await notifying.post("/entities", json=entity)).status_code == 201
    return notifying


@pytest.mark.parametrize(
    ("q", "holds"),
    [
        ("isIn{rooms}>2", True),
        ("isIn{rooms}>3", False),
        ("isIn{House:rooms}==3", True),
        ("isIn{Tent:rooms}==3", False),
        ('isIn{liesIn{weather}}=="snow"', True),
        ('isIn{liesIn{weather}}=="rain"', False),
        ('a==1;isIn{rooms}>3|isIn{liesIn{Town:weather}}~="^sn"', True),
    ],
)
async def test_what_is_asked_of_linked_entities_decides(
    client: httpx.AsyncClient, sink: Sink, q: str, holds: bool
) -> None:
    await subscribe(client, sink, q=q)
    await client.post("/entities", json=room(2, a=1))  # is in no house
    await create(client, a=1, isIn=IN_A_HOUSE)
    if holds:
        (taken,) = await sink.wait(1)
        assert taken.data[0]["id"].endswith(":1")
    assert len(await sink.quiet(0.3)) == holds
    body = room(a=1, isIn=IN_A_HOUSE)
    explained = (await client.post(f"/subscriptions/{ID}/explain", json=body)).json()
    assert explained["clauses"]["q"] is holds


async def test_the_linked_entity_counts_as_it_is_when_the_other_changes(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="isIn{rooms}>3")
    await create(client, a=0, isIn=IN_A_HOUSE)
    await set_to(client, a=1)
    assert not await sink.quiet(0.3)
    await client.patch(f"/entities/{HOUSE}/attrs", json={"rooms": 4})
    await set_to(client, a=2)
    (taken,) = await sink.wait(1)
    assert taken.data[0]["a"]["value"] == 2
    await client.delete(f"/entities/{HOUSE}")
    await set_to(client, a=3)
    assert len(await sink.quiet(0.3)) == 1


async def test_every_change_comes_in_order_and_can_be_made_again(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="isIn{rooms}>2;a!=5")
    await subscribe(client, sink, id=f"{ID}2", q="a!=5")  # its neighbour reads the log as ever
    await create(client, a=0, isIn=IN_A_HOUSE)
    for value in range(1, 30):
        await set_to(client, a=value)
    taken = [item for item in await sink.wait(58) if item.body["subscriptionId"] == ID]
    assert [item.data[0]["a"]["value"] for item in taken] == [value for value in range(30) if value != 5]
    assert [item.sequence for item in taken] == list(range(1, 30))
    await account(client, matched=29, delivered=29, pending=0)
    again = (await client.get(f"/subscriptions/{ID}/notifications?after=27")).json()
    assert [item["notification"]["id"] for item in again] == [item.body["id"] for item in taken[27:]]


async def test_a_dead_endpoint_loses_nothing_of_it(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="isIn{rooms}>2")
    await create(client, a=0, isIn=IN_A_HOUSE)
    await sink.wait(1)
    await sink.stop()
    for value in range(1, 20):
        await set_to(client, a=value)
    await account(client, delivered=1)
    await sink.start()
    taken = await sink.wait(20)
    assert [item.data[0]["a"]["value"] for item in taken] == list(range(20))


async def test_a_periodic_notification_asks_them_too(client: httpx.AsyncClient, sink: Sink) -> None:
    await subscribe(client, sink, q="isIn{rooms}>2", timeInterval=0.3)
    await client.post("/entities", json=room(2, a=1))
    await create(client, a=1, isIn=IN_A_HOUSE)
    taken = await until(lambda: sink.taken)
    assert [entity["id"][-1] for entity in taken[0].data] == ["1"]
