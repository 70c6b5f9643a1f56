"""Brokers and endpoints beside each other: no loop between two brokers, no delay by a dead endpoint."""

import asyncio
from collections.abc import AsyncIterator
from statistics import median

import httpx
import pytest

from broker.store import migrate
from tests.broker.databases import database
from tests.broker.running import Running
from tests.broker.sink import Sink, until
from tests.broker.subscribing import account

V1 = "/ngsi-ld/v1"


@pytest.fixture
async def other_dsn(server: str) -> AsyncIterator[str]:
    """A second database, for a second broker; a copy would have the identity of the first."""
    async with database(server, "template1") as other:
        await migrate.run(other)
        yield other


def subscription(uri: str, number: int = 1) -> dict[str, object]:
    return {
        "id": f"urn:ngsi-ld:Subscription:{number}",
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": uri}},
    }


async def told(client: httpx.AsyncClient, broker: Running) -> int:
    found = (await client.get(f"{broker.url}{V1}/subscriptions/urn:ngsi-ld:Subscription:1/account")).json()
    return int(found["delivered"])


async def test_two_brokers_that_tell_each_other_fall_silent(dsn: str, other_dsn: str) -> None:
    async with Running(dsn) as one, Running(other_dsn) as other, httpx.AsyncClient(timeout=10) as client:
        for here, there in ((one, other), (other, one)):
            body = subscription(f"{there.url}{V1}/notifications")
            assert (await client.post(f"{here.url}{V1}/subscriptions", json=body)).status_code == 201
        await asyncio.sleep(1)
        for value in range(5):
            # an echo that crosses the next value is older by its observedAt, and goes to history only
            reading = {"type": "Property", "value": value, "observedAt": f"2026-06-19T03:50:0{value}Z"}
            room = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": reading}
            answer = await client.post(f"{one.url}{V1}/entityOperations/upsert", json=[room])
            assert answer.status_code in (201, 204)
            await arrives(client, other, value)
        await asyncio.sleep(1)
        assert await told(client, one) == 5
        assert await told(client, other) <= 5  # at most two notifications per change, and then silence
        await client.delete(f"{one.url}{V1}/entities/urn:ngsi-ld:Room:1")


async def test_writes_that_cross_between_two_brokers_do_not_chase_each_other(dsn: str, other_dsn: str) -> None:
    """Values without observedAt: nothing says which is the later one, so each would undo the other for ever."""
    async with Running(dsn) as one, Running(other_dsn) as other, httpx.AsyncClient(timeout=10) as client:
        for here, there in ((one, other), (other, one)):
            room = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": 0}
            await client.post(f"{here.url}{V1}/entities", json=room)
            body = subscription(f"{there.url}{V1}/notifications")
            assert (await client.post(f"{here.url}{V1}/subscriptions", json=body)).status_code == 201
        for value in range(1, 11):
            writes = (
                client.patch(f"{broker.url}{V1}/entities/urn:ngsi-ld:Room:1/attrs", json={"a": f"{value} {number}"})
                for number, broker in enumerate((one, other))
            )
            assert [answer.status_code for answer in await asyncio.gather(*writes)] == [204, 204]
        before, now = -1, await told(client, one) + await told(client, other)
        while now != before:
            assert now <= 2 * 20, "more than two notifications per change"
            await asyncio.sleep(1)
            before, now = now, await told(client, one) + await told(client, other)
        assert now >= 20


async def test_a_notification_of_changes_by_several_ways_names_the_brokers_of_all(dsn: str) -> None:
    """A throttled notification tells of several changes: who brought one of them has not seen the other."""
    brought = asyncio.Event()

    async def answer(_: Sink, __: object) -> int:
        await brought.wait()  # what comes while one is under way is told with the next
        return 200

    async with (
        Running(dsn, context_source_alias="here", notification_timeout=30) as broker,
        Sink(answer) as sink,
        httpx.AsyncClient(base_url=broker.url + V1) as client,
    ):
        await client.post("/subscriptions", json={**subscription(sink.url), "throttling": 0.1})

        async def bring(number: int, *brokers: str) -> None:
            data = [{"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "a": 1}]
            body = {"id": "urn:x:1", "type": "Notification", "subscriptionId": "urn:x:2", "data": data}
            headers = [("Via", f"1.1 {name}") for name in brokers]
            assert (await client.post("/notifications", json=body, headers=headers)).status_code == 204

        await bring(1, "east", "north")
        await until(lambda: sink.requests)
        await bring(2, "east", "north")
        await bring(3, "east")
        await account(client, pending=3)
        brought.set()
        first, second = await sink.wait(2)
        assert first.headers["via"] == "1.1 east, 1.1 north, 1.1 here"
        assert [entity["id"][-1] for entity in second.data] == ["2", "3"]
        assert second.headers["via"] == "1.1 east, 1.1 here"
        assert (await bring_by(client, 51)).status_code == 400


async def bring_by(client: httpx.AsyncClient, brokers: int) -> httpx.Response:
    body = {"id": "urn:x:1", "type": "Notification", "subscriptionId": "urn:x:2", "data": []}
    via = ", ".join(f"1.1 b{number}" for number in range(brokers))
    return await client.post("/notifications", json=body, headers={"Via": via})


async def arrives(client: httpx.AsyncClient, broker: Running, value: int) -> None:
    for _ in range(200):
        answer = await client.get(f"{broker.url}{V1}/entities/urn:ngsi-ld:Room:1?format=simplified")
        if answer.status_code == 200 and answer.json()["a"] == value:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{value} did not arrive")


async def test_a_notification_that_comes_back_ends_here(dsn: str) -> None:
    async with Running(dsn) as broker, httpx.AsyncClient(base_url=broker.url + V1) as client:
        alias = (await client.get("/info/sourceIdentity")).json()["contextSourceAlias"]
        body = {
            "id": "urn:x:1",
            "type": "Notification",
            "subscriptionId": "urn:x:2",
            "notifiedAt": "2026-06-19T03:50:00Z",
            "data": [{"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": 1}],
        }
        again = await client.post("/notifications", json=body, headers={"Via": f"1.1 elsewhere, 1.1 {alias}"})
        assert again.status_code == 204
        assert (await client.get("/entities/urn:ngsi-ld:Room:1")).status_code == 404
        first = await client.post("/notifications", json=body, headers={"Via": "1.1 elsewhere"})
        assert first.status_code == 204
        assert (await client.get("/entities/urn:ngsi-ld:Room:1")).json()["a"]["value"] == 1
        assert (await client.post("/notifications", json={"type": "Notification"})).status_code == 400


async def test_what_another_broker_has_no_more_goes_here_too(dsn: str, other_dsn: str) -> None:
    entity = f"{V1}/entities/urn:ngsi-ld:Room:1"
    async with Running(dsn) as one, Running(other_dsn) as other, httpx.AsyncClient(timeout=10) as client:
        body = {
            **subscription(f"{other.url}{V1}/notifications"),
            "notificationTrigger": ["entityUpdated", "entityDeleted"],
        }
        await client.post(f"{one.url}{V1}/subscriptions", json=body)
        two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
        room = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": 0, "b": two, "c": {"languageMap": {"ja": "雪"}}}
        await client.post(f"{one.url}{V1}/entities", json=room)
        await arrives(client, other, 0)
        await client.delete(f"{one.url}{entity}/attrs/b?datasetId=urn:d:2")
        await client.delete(f"{one.url}{entity}/attrs/c")
        await client.patch(f"{one.url}{entity}/attrs", json={"a": 1})
        await arrives(client, other, 1)
        left = (await client.get(f"{other.url}{entity}?format=simplified")).json()
        assert left == {"id": "urn:ngsi-ld:Room:1", "type": "Room", "a": 1, "b": 1}
        await client.delete(f"{one.url}{entity}")
        await until_gone(client, f"{other.url}{entity}")


async def until_gone(client: httpx.AsyncClient, url: str) -> None:
    for _ in range(200):
        if (await client.get(url)).status_code == 404:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it is still there")


async def test_a_dead_endpoint_costs_a_live_one_nothing(dsn: str) -> None:
    """Ten endpoints that take connections and never answer, beside one that does.

    Rounds with them and without take turns, so that both see the same machine; what is compared is the middle one of
    the rounds' slowest notifications, and only their proportion. More rounds are taken while it is not clear.
    """

    async def hang(_: Sink, __: object) -> int:
        await asyncio.sleep(60)
        return 200

    async with (
        Running(dsn, notification_timeout=0.5, notification_retry=0.05, notification_retry_longest=0.1) as broker,
        Sink() as live,
        Sink(hang) as dead,
        httpx.AsyncClient(base_url=broker.url + V1, timeout=10) as client,
    ):
        await client.post("/subscriptions", json=subscription(live.url))
        for number in range(2, 12):
            await client.post("/subscriptions", json={**subscription(dead.url, number), "isActive": False})
        await slowest(client, live, 0)
        alone: list[float] = []
        beside: list[float] = []
        while len(alone) < 5 or (len(alone) < 25 and median(beside) > 1.2 * median(alone)):
            alone.append(await slowest(client, live, len(live.requests)))
            await set_active(client, True)
            asked = len(dead.requests)
            beside.append(await slowest(client, live, len(live.requests)))
            await until(lambda asked=asked: len(dead.requests) > asked)
            await set_active(client, False)
        assert median(beside) <= 1.2 * median(alone), (alone, beside)


async def set_active(client: httpx.AsyncClient, active: bool) -> None:
    for number in range(2, 12):
        answer = await client.patch(f"/subscriptions/urn:ngsi-ld:Subscription:{number}", json={"isActive": active})
        assert answer.status_code == 204
    await asyncio.sleep(0.2)


async def slowest(client: httpx.AsyncClient, live: Sink, begin: int) -> float:
    """Seconds from a write's request to its notification, the slowest but two of a hundred."""
    loop, late = asyncio.get_running_loop(), []
    for value in range(begin, begin + 100):
        room = {"id": f"urn:ngsi-ld:Room:{value % 10}", "type": "Room", "a": value}
        asked = loop.time()
        await client.post("/entityOperations/upsert", json=[room])
        await until(lambda value=value: len(live.requests) > value)
        late.append(live.requests[value].at - asked)
    return sorted(late)[-3]
