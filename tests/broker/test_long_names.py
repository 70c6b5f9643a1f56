"""Names and ids that no index holds."""

import random
import string
from typing import Any

import httpx
import pytest

from tests.broker.rooms import NULL, OTHER, prop, room


def noise(length: int) -> str:
    """Letters that a database cannot pack into less."""
    return "".join(random.Random(length).choices(string.ascii_letters, k=length))


LONG: dict[str, Any] = {
    "id": {"id": f"urn:x:{noise(3000)}", "type": "Room"},
    "type": room(type=noise(3000)),
    "attribute": room(**{noise(3000): prop(1)}),
    "datasetId": room(a=prop(1, datasetId=f"urn:x:{noise(3000)}")),
    "id that is the null": {"id": NULL, "type": "Room"},
}


@pytest.mark.parametrize("case", LONG)
async def test_what_no_index_holds_is_refused_alone(client: httpx.AsyncClient, case: str) -> None:
    answer = await client.post("/entityOperations/upsert", json=[LONG[case], room(OTHER)])
    assert (answer.status_code, answer.json()["success"]) == (207, [OTHER]), answer.text
    assert answer.json()["errors"][0]["error"]["status"] == 400
    kept = {"id": f"urn:x:{noise(2400)}", "type": noise(2400), noise(2401): prop(1, datasetId=f"urn:x:{noise(2402)}")}
    assert (await client.post("/entities", json=kept)).status_code == 201
    assert (await client.get(f"/entities/{kept['id']}")).json() == kept


async def test_a_subscription_has_an_id_that_an_index_holds(client: httpx.AsyncClient) -> None:
    told = {
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    for length, status in ((2400, 201), (3000, 400)):
        answer = await client.post("/subscriptions", json={**told, "id": f"urn:x:{noise(length)}"})
        assert answer.status_code == status, answer.text


async def test_other_names_that_no_index_holds_are_refused_too(client: httpx.AsyncClient) -> None:
    admin = "http://127.0.0.1:1026/admin"
    message = {"source": noise(5000), "reason": "unreadable", "raw": "AP8="}
    for answer in (
        await client.post(f"{admin}/quarantine", json=message),
        await client.put(f"{admin}/policies/{noise(3000)}", json={"raw": 30}),
    ):
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "BadRequestData")
