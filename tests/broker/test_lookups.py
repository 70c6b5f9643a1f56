"""Retrievals share statements; trouble of one statement is told to all of its askers and is over after it."""

import asyncio

import asyncpg
import httpx


async def test_a_lost_connection_is_told_and_mended(client: httpx.AsyncClient, dsn: str) -> None:
    ids = [f"urn:ngsi-ld:Thing:{i}" for i in range(40)]
    created = await client.post("/entityOperations/create", json=[{"id": one, "type": "Thing"} for one in ids])
    assert created.status_code == 201
    assert (await client.get(f"/entities/{ids[0]}")).status_code == 200
    admin = await asyncpg.connect(dsn)
    others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    await admin.execute(f"select pg_terminate_backend(pid) {others}")
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(client.get(f"/entities/{one}") for one in ids))
    assert {answer.status_code for answer in answers} <= {200, 503}
    again = await asyncio.gather(*(client.get(f"/entities/{one}") for one in ids))
    assert {answer.status_code for answer in again} == {200}
    await admin.close()


async def test_an_asker_who_leaves_holds_up_nobody(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:1", "type": "Thing"})
    leaving = [asyncio.create_task(client.get("/entities/urn:ngsi-ld:Thing:1")) for _ in range(20)]
    await asyncio.sleep(0)
    for task in leaving[::2]:
        task.cancel()
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*leaving, return_exceptions=True)
    stayed = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert len(stayed) >= 10
    assert {answer.status_code for answer in stayed} == {200}
