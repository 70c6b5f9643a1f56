"""Subscriptions created, shown, changed and deleted (GS CIM 009, 5.8.1-5.8.5)."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.ngsi.subscriptions import ID, notifying, reaching, subscription


async def test_a_created_subscription_comes_back_as_it_was_given(client: httpx.AsyncClient) -> None:
    given = subscription(
        subscriptionName="rooms",
        entities=[
            {"type": "(Room;Hall),Corridor", "idPattern": "^urn:.*"},
            {"type": "Room", "id": ["urn:a:1", "urn:a:2"]},
        ],
        watchedAttributes=["temperature"],
        q='temperature>20;name=="Room"',
        geoQ={"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [136.6, 36.5]},
        notificationTrigger=["entityCreated", "attributeUpdated"],
        throttling=1.5,
        notification={
            "pick": ["id", "temperature"],
            "format": "concise",
            "sysAttrs": True,
            "endpoint": {
                "uri": "http://127.0.0.1:9/notify",
                "accept": "application/ld+json",
                "receiverInfo": [{"key": "X-Answer", "value": "42"}],
                "timeout": 500,
            },
        },
    )
    answer = await client.post("/subscriptions", json=given)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/ngsi-ld/v1/subscriptions/{ID}"
    found = (await client.get(f"/subscriptions/{ID}")).json()
    assert found == {**given, "status": "active"}
    assert (await client.get("/subscriptions/")).json() == [found]
    assert {"createdAt", "modifiedAt"} <= (await client.get(f"/subscriptions/{ID}?options=sysAttrs")).json().keys()


async def test_names_are_kept_as_iris_and_shown_by_the_context_of_the_reader(client: httpx.AsyncClient) -> None:
    context = {"Room": "https://a.example/Room", "t": "https://a.example/t"}
    given = {**subscription(q="t>20", watchedAttributes=["t"]), "@context": context}
    ld = {"Content-Type": "application/ld+json"}
    assert (await client.post("/subscriptions", json=given, headers=ld)).status_code == 201
    found = (await client.get(f"/subscriptions/{ID}")).json()
    assert found["entities"] == [{"type": "https://a.example/Room"}]
    assert found["watchedAttributes"] == ["https://a.example/t"]
    assert found["q"] == "https://a.example/t>20"


async def test_an_id_is_made_when_none_is_given(client: httpx.AsyncClient) -> None:
    body = {name: value for name, value in subscription().items() if name != "id"}
    place = (await client.post("/subscriptions", json=body)).headers["location"]
    assert place.startswith("/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:")
    assert (await client.get(f"/subscriptions/{place.rpartition('/')[2]}")).status_code == 200


async def test_a_taken_id_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/subscriptions", json=subscription())
    answer = await client.post("/subscriptions", json=subscription())
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/AlreadyExists")


async def test_a_bad_subscription_is_refused_with_member_and_rule(client: httpx.AsyncClient) -> None:
    answer = await client.post("/subscriptions", json=subscription(throttling=-1))
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/BadRequestData")
    assert "throttling: -1 is not a number greater than 0" in answer.json()["detail"]
    assert (await client.get("/subscriptions")).json() == []


async def test_read_only_members_are_ignored(client: httpx.AsyncClient) -> None:
    body = subscription(status="expired", createdAt="2020-01-01T00:00:00Z")
    body["notification"] |= {"timesSent": 7, "status": "failed"}
    assert (await client.post("/subscriptions", json=body)).status_code == 201
    found = (await client.get(f"/subscriptions/{ID}")).json()
    assert found["status"] == "active"
    assert found["notification"] == subscription()["notification"]


async def test_an_unreachable_context_is_a_gateway_timeout(client: httpx.AsyncClient) -> None:
    body = subscription(jsonldContext="https://nowhere.invalid/context.jsonld")
    answer = await client.post("/subscriptions", json=body)
    assert answer.status_code == 504
    assert answer.json()["type"].endswith("/LdContextNotAvailable")


async def test_a_patch_replaces_members_and_null_removes_them(client: httpx.AsyncClient) -> None:
    await client.post("/subscriptions", json=subscription(throttling=5, description="a"))
    answer = await client.patch(
        f"/subscriptions/{ID}", json={"throttling": None, "description": "b", "isActive": False}
    )
    assert answer.status_code == 204
    found = (await client.get(f"/subscriptions/{ID}")).json()
    assert found == {**subscription(description="b", isActive=False), "status": "paused"}


async def test_a_patch_of_the_notification_may_leave_the_endpoint_alone(client: httpx.AsyncClient) -> None:
    await client.post("/subscriptions", json=notifying(format="concise"))
    await client.patch(f"/subscriptions/{ID}", json={"notification": {"sysAttrs": True}})
    assert (await client.get(f"/subscriptions/{ID}")).json()["notification"] == {
        "format": "concise",
        "sysAttrs": True,
        "endpoint": {"uri": "http://127.0.0.1:9/notify"},
    }


@pytest.mark.parametrize(
    ("fragment", "status"),
    [
        ({"id": "urn:ngsi-ld:Subscription:2"}, 400),
        ({"type": "Thing"}, 400),
        ({"notification": None}, 400),
        ({"entities": None}, 400),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, 400),
        ({"timeInterval": 5, "watchedAttributes": ["a"]}, 400),
        ({"watchedAttributes": ["a"], "entities": None}, 204),
        ({}, 400),
    ],
)
async def test_a_patch_keeps_the_rules(client: httpx.AsyncClient, fragment: Any, status: int) -> None:
    await client.post("/subscriptions", json=subscription())
    assert (await client.patch(f"/subscriptions/{ID}", json=fragment)).status_code == status


async def test_secrets_are_never_shown_and_survive_what_was_shown(client: httpx.AsyncClient, dsn: str) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = reaching(
        uri="mqtts://user:hush@example.org/a",
        receiverInfo=[{"key": "Authorization", "value": "Bearer hush"}],
        notifierInfo=[{"key": "Webhook-Secret", "value": secret}],
    )
    assert (await client.post("/subscriptions", json=body)).status_code == 201
    shown = await client.get(f"/subscriptions/{ID}")
    assert "hush" not in shown.text
    assert secret[6:] not in shown.text
    back = {"notification": {"endpoint": shown.json()["notification"]["endpoint"]}}
    assert (await client.patch(f"/subscriptions/{ID}", json=back)).status_code == 204
    connection = await asyncpg.connect(dsn)
    kept = await connection.fetchval("select document::text from subscription")
    await connection.close()
    assert "Bearer hush" in kept
    assert secret in kept
    assert "user:hush@" in kept


async def test_a_deleted_subscription_is_gone(client: httpx.AsyncClient) -> None:
    await client.post("/subscriptions", json=subscription())
    assert (await client.delete(f"/subscriptions/{ID}")).status_code == 204
    for answer in (
        await client.get(f"/subscriptions/{ID}"),
        await client.delete(f"/subscriptions/{ID}"),
        await client.patch(f"/subscriptions/{ID}", json={"description": "x"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/ResourceNotFound")
    assert (await client.get("/subscriptions/nonsense")).status_code == 400


async def test_tenants_do_not_see_each_other(client: httpx.AsyncClient) -> None:
    await client.post("/subscriptions", json=subscription(), headers={"NGSILD-Tenant": "a"})
    await client.post("/subscriptions", json=subscription(), headers={"NGSILD-Tenant": "b"})
    assert (await client.get("/subscriptions")).json() == []
    assert (await client.delete(f"/subscriptions/{ID}", headers={"NGSILD-Tenant": "a"})).status_code == 204
    assert len((await client.get("/subscriptions", headers={"NGSILD-Tenant": "b"})).json()) == 1


async def test_a_list_has_pages(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.post("/subscriptions", json=subscription(id=f"urn:ngsi-ld:Subscription:{number}"))
    page = await client.get("/subscriptions?limit=2&count=true")
    assert [item["id"][-1] for item in page.json()] == ["0", "1"]
    assert page.headers["ngsild-results-count"] == "3"
    assert 'offset=2>;rel="next"' in page.headers["link"]
    last = await client.get("/subscriptions?limit=2&offset=2")
    assert [item["id"][-1] for item in last.json()] == ["2"]
    assert 'rel="prev"' in last.headers["link"]
    assert 'rel="next"' not in last.headers["link"]
    assert (await client.get("/subscriptions?limit=-1")).status_code == 400
