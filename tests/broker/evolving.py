"""The room whose history tests look at."""

from typing import Any

import httpx
import pytest

ID = "urn:ngsi-ld:Room:1"
DATASET = "urn:ngsi-ld:Dataset:roof"
PATH = f"/temporal/entities/{ID}"


def at(hour: int, day: int = 19) -> str:
    return f"2026-06-{day:02}T{hour:02}:00:00Z"


def prop(value: Any, hour: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at(hour), **more}


def evolution(**attributes: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Room", **attributes}


async def values(client: httpx.AsyncClient, name: str = "t", **params: Any) -> list[Any]:
    answer = await client.get(PATH, params=params)
    assert answer.status_code in (200, 206), answer.text
    return [item["value"] for item in answer.json().get(name, [])]


@pytest.fixture
async def series(client: httpx.AsyncClient) -> httpx.AsyncClient:
    body = evolution(t=[prop(10 * hour, hour) for hour in (1, 2, 3, 4)], name=[prop("a", 1), prop("b", 3)])
    answer = await client.post("/temporal/entities", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/ngsi-ld/v1/temporal/entities/{ID}"
    return client
