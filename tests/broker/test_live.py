"""The end of the log for its watchers, within one process."""

import asyncio
from typing import Any

import httpx
import pytest

from broker.log import live
from broker.log.live import Live, Watcher
from broker.store.db import Database

ROOM: dict[str, Any] = {"type": "Room", "a": {"type": "Property", "value": 1}}


async def make(client: httpx.AsyncClient, number: int) -> None:
    assert (await client.post("/entities", json={"id": f"urn:x:{number}", **ROOM})).status_code == 201


async def test_a_watcher_who_reads_the_past_for_long_hears_what_comes_then(
    client: httpx.AsyncClient, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading ends when nobody is there to be told; whoever still reads what came before is there."""
    monkeypatch.setattr(live, "_IDLE", 1)
    monkeypatch.setattr(live, "_LOOK_EVERY", 0.01)
    await make(client, 1)
    database = await Database.connect(dsn, connections=2, writers=1, statement_timeout=10)
    watched = Live(database, dsn)
    try:
        told = watched.watch(Watcher(await first_tenant(database), lambda _: True), after=0)
        first = await anext(told)
        for _ in range(200):  # a slow reader
            await asyncio.sleep(0.005)
        await make(client, 2)
        async with asyncio.timeout(5):
            second = await anext(told)
        assert [event.id for event in (first, second) if event] == ["urn:x:1", "urn:x:2"]
    finally:
        await watched.close()
        await database.close()


async def first_tenant(database: Database) -> int:
    return int(await database.readers.fetchval("select min(no) from tenant"))
