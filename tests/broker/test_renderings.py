"""What was shown before is shown again only while it is true."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from broker.api.renderings import Renderings

_NOW = datetime(2026, 6, 19, tzinfo=UTC)
_ENTITIES = "/entities"
_A = f"{_ENTITIES}/urn:a"


def test_the_oldest_make_room() -> None:
    renderings = Renderings(room=1300)
    for minute in range(5):
        renderings.keep(0, (f"urn:{minute}", _NOW), b"x" * 100)
    assert [renderings.get(0, (f"urn:{minute}", _NOW)) is not None for minute in range(5)] == [False] * 3 + [True] * 2


def test_another_version_or_form_is_another_text() -> None:
    renderings = Renderings(room=1000)
    renderings.keep(0, ("urn:a", _NOW), b"old")
    assert renderings.get(0, ("urn:a", _NOW + timedelta(microseconds=1))) is None
    assert renderings.get(1, ("urn:a", _NOW)) is None
    assert renderings.shelf("default", "normalized") == renderings.shelf("default", "normalized")
    assert renderings.shelf("default", "normalized") != renderings.shelf("other", "normalized")


def test_without_room_nothing_is_kept() -> None:
    assert Renderings(room=0).shelf("default") is None


async def _create(client: httpx.AsyncClient, **attributes: Any) -> None:
    body = {"id": "urn:a", "type": "T", **attributes}
    assert (await client.post(_ENTITIES, json=body)).status_code == 201


async def _seen(client: httpx.AsyncClient, **how: Any) -> Any:
    """The entity as a retrieval and a query show it, which is the same."""
    retrieved = (await client.get(_A, **how)).json()
    params = {**how.pop("params", {}), "type": "T"}
    assert (await client.get(_ENTITIES, params=params, **how)).json() == [retrieved]
    return retrieved


async def test_each_write_is_seen(client: httpx.AsyncClient) -> None:
    await _create(client, a={"type": "Property", "value": 0})
    for value in range(1, 4):
        for _ in range(2):
            assert (await _seen(client))["a"]["value"] == value - 1
        await client.patch(f"{_A}/attrs/a", json={"value": value})
    await client.delete(_A)
    await _create(client, b={"type": "Property", "value": 9})
    assert (await _seen(client)).keys() == {"id", "type", "b"}


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, {"a": {"type": "Property", "value": 1}, "b": {"type": "LanguageProperty", "languageMap": {"ja": "雪"}}}),
        ({"format": "concise"}, {"a": 1, "b": {"languageMap": {"ja": "雪"}}}),
        ({"attrs": "a"}, {"a": {"type": "Property", "value": 1}}),
        ({"pick": "id,type,a"}, {"a": {"type": "Property", "value": 1}}),
        ({"omit": "b", "options": "keyValues"}, {"a": 1}),
        ({"lang": "ja", "omit": "a"}, {"b": {"type": "Property", "value": "雪", "lang": "ja"}}),
    ],
)
async def test_each_way_of_showing_is_kept_apart(
    client: httpx.AsyncClient, params: dict[str, str], shown: dict[str, Any]
) -> None:
    await _create(client, a={"value": 1}, b={"languageMap": {"ja": "雪"}})
    for _ in range(2):
        assert await _seen(client) == {"id": "urn:a", "type": "T", "a": {"type": "Property", "value": 1}, "b": {
            "type": "LanguageProperty", "languageMap": {"ja": "雪"}}}  # fmt: skip
        assert await _seen(client, params=params) == {"id": "urn:a", "type": "T", **shown}
        assert (await _seen(client, params=params, headers={"Accept": "application/ld+json"})).keys() == {
            "@context", "id", "type", *shown}  # fmt: skip


async def test_tenants_do_not_share(client: httpx.AsyncClient) -> None:
    for tenant in ("kaga", "noto"):
        body = {"id": "urn:a", "type": "T", "name": {"value": tenant}}
        assert (await client.post(_ENTITIES, json=body, headers={"NGSILD-Tenant": tenant})).status_code == 201
    for tenant in ("kaga", "noto", "kaga"):
        assert (await _seen(client, headers={"NGSILD-Tenant": tenant}))["name"]["value"] == tenant


async def test_what_expires_is_not_kept(client: httpx.AsyncClient) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1)
    await _create(client, a={"value": 1, "expiresAt": end.isoformat()}, b={"value": 2})
    assert (await _seen(client)).keys() == {"id", "type", "a", "b"}
    await asyncio.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.01)
    assert (await _seen(client)).keys() == {"id", "type", "b"}


async def test_the_past_is_told_as_it_was(client: httpx.AsyncClient) -> None:
    await _create(client, a={"value": 1})
    before = datetime.now(UTC).isoformat()
    assert (await client.get(_A)).json()["a"]["value"] == 1
    await client.patch(f"{_A}/attrs/a", json={"value": 2})
    assert (await client.get(_A)).json()["a"]["value"] == 2
    assert (await client.get(_A, params={"asOf": before})).json()["a"]["value"] == 1
    assert (await client.get(_A)).json()["a"]["value"] == 2
