"""Tenants: where they come from, what they do not see of each other, and how they end (GS CIM 009, 4.14, 5.5.10)."""

import asyncio
import sys
from io import StringIO
from typing import Any

import asyncpg
import httpx
import pytest

from deploy import cli

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
INN = {"NGSILD-Tenant": "inn"}
ROOM = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": {"value": 1, "observedAt": "2026-06-19T03:50:00Z"}}
SUBSCRIPTION = {
    "type": "Subscription",
    "entities": [{"type": "Room"}],
    "notification": {"endpoint": {"uri": "http://nowhere.invalid/"}},
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/entities?type=Room", None),
        ("GET", f"/entities/{ROOM['id']}", None),
        ("DELETE", f"/entities/{ROOM['id']}", None),
        ("PATCH", f"/entities/{ROOM['id']}/attrs", {"t": 1}),
        ("POST", "/entityOperations/delete", [ROOM["id"]]),
        ("POST", "/entityOperations/query", {"type": "Query", "entities": [{"type": "Room"}]}),
        ("GET", "/types", None),
        ("GET", "/attributes/t", None),
        ("GET", "/subscriptions", None),
        ("GET", "/jsonldContexts", None),
        ("GET", "/jsonldContexts/urn:x:1", None),
        ("GET", "/info/sourceIdentity", None),
        ("GET", f"/temporal/entities/{ROOM['id']}", None),
    ],
)
async def test_an_unknown_tenant_is_told(client: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    answer = await client.request(method, path, json=body, headers=INN)
    assert (answer.status_code, answer.json()["type"]) == (404, ERRORS + "NonexistentTenant")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/entities", ROOM),
        ("/entityOperations/create", [ROOM]),
        ("/entityOperations/upsert", [ROOM]),
        ("/subscriptions", SUBSCRIPTION),
        ("/jsonldContexts", {"@context": {"a": "https://a.example/"}}),
    ],
)
async def test_the_first_creation_makes_the_tenant(client: httpx.AsyncClient, path: str, body: Any) -> None:
    assert (await client.post(path, json=body, headers=INN)).status_code == 201
    assert (await client.get("/entities?type=Room", headers=INN)).status_code == 200


async def test_a_refused_creation_makes_none(client: httpx.AsyncClient) -> None:
    assert (await client.post("/entities", json={"id": "bad"}, headers=INN)).status_code == 400
    assert (await client.get("/entities?type=Room", headers=INN)).status_code == 404


async def test_identity_is_the_tenants(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=ROOM, headers=INN)
    plain, inn = [(await client.get("/info/sourceIdentity", headers=it)).json() for it in ({}, INN)]
    assert plain["type"] == "ContextSourceIdentity"
    assert plain["contextSourceUptime"].startswith("P0DT0H")
    assert plain["contextSourceTimeAt"].endswith("Z")
    assert inn["id"] == plain["id"] + ":inn"
    assert inn["contextSourceAlias"] != plain["contextSourceAlias"]
    inside = await client.get("/info/sourceIdentity", headers={"Accept": "application/ld+json"})
    assert inside.json()["@context"]


def run(dsn: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setenv("BROKER_DATABASE_URL", dsn)
    return cli.main(["tenants", *arguments])


async def _rows(dsn: str) -> dict[str, int]:
    """How many rows each table has that knows tenants or entities."""
    connection = await asyncpg.connect(dsn)
    tables = await connection.fetch(
        "select distinct c.table_name from information_schema.columns c "
        "join information_schema.tables t using (table_schema, table_name) where c.table_schema = 'public' "
        "and t.table_type = 'BASE TABLE' and (c.column_name in ('tenant', 'entity') or c.table_name = 'tenant')"
    )
    counts = {row[0]: await connection.fetchval(f'select count(*) from "{row[0]}"') for row in tables}
    await connection.close()
    return counts


async def test_a_deleted_tenant_leaves_nothing_and_running_brokers_know(
    client: httpx.AsyncClient, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.post("/entities", json=ROOM)
    before = await _rows(dsn)
    await client.post("/entities", json=ROOM, headers=INN)
    await client.delete(f"/entities/{ROOM['id']}", headers=INN)
    await client.post("/entities", json=ROOM, headers=INN)
    await client.post("/subscriptions", json=SUBSCRIPTION, headers=INN)
    await client.post("/jsonldContexts", json={"@context": {"a": "https://a.example/"}}, headers=INN)
    message = {"source": "rain", "reason": "unreadable", "raw": "AP8="}
    await client.post("http://127.0.0.1:1026/admin/quarantine", json=message, headers=INN)
    assert (await _rows(dsn))["entity"] == before["entity"] + 1
    assert await asyncio.to_thread(run, dsn, monkeypatch, "list") == 0
    assert "inn\t1 entities" in capsys.readouterr().out
    assert await asyncio.to_thread(run, dsn, monkeypatch, "delete", "inn", "--yes") == 0
    assert await _rows(dsn) == before
    for _ in range(100):
        if (await client.get("/entities?type=Room", headers=INN)).status_code == 404:
            break
        await asyncio.sleep(0.02)
    assert (await client.get("/jsonldContexts", headers=INN)).status_code == 404
    assert (await client.get(f"/entities/{ROOM['id']}")).status_code == 200
    assert (await client.post("/entities", json=ROOM, headers=INN)).status_code == 201
    assert len((await client.get("/entities?type=Room", headers=INN)).json()) == 1


async def test_deletion_asks_first(
    client: httpx.AsyncClient, dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.post("/entities", json=ROOM, headers=INN)
    for answer, code in (("no\n", 1), ("inn\n", 0)):
        monkeypatch.setattr(sys, "stdin", StringIO(answer))
        assert await asyncio.to_thread(run, dsn, monkeypatch, "delete", "inn") == code
    assert await asyncio.to_thread(run, dsn, monkeypatch, "delete", "inn", "--yes") == 1
    assert await asyncio.to_thread(run, dsn, monkeypatch, "delete", "", "--yes") == 2
    assert "default tenant" in capsys.readouterr().err


def test_an_unreachable_database_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("postgresql://nobody@127.0.0.1:9/none", monkeypatch, "list") == 1
    assert "BROKER_DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("header", ["NGSILD-Tenant", "Fiware-Service"])
async def test_a_request_has_one_tenant(client: httpx.AsyncClient, header: str) -> None:
    two = [(header, "inn"), (header, "out")]
    answer = await client.post("/entities", json=ROOM, headers=two)
    assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "BadRequestData")
    assert "'inn'" in answer.json()["detail"]
    assert "'out'" in answer.json()["detail"]
    same = await client.post("/entities", json=ROOM, headers=[(header, "inn"), (header, "inn")])
    assert (same.status_code, same.headers["NGSILD-Tenant"]) == (201, "inn")


async def test_space_around_a_tenant_is_not_its_name(client: httpx.AsyncClient) -> None:
    answer = await client.post("/entities", json=ROOM, headers={"NGSILD-Tenant": "inn \t"})
    assert (answer.status_code, answer.headers["NGSILD-Tenant"]) == (201, "inn")
    assert (await client.get(f"/entities/{ROOM['id']}", headers=INN)).status_code == 200
