"""Pages and their links (5.5.9, 6.3.10), exact values, and what has expired."""

import asyncio
import re
from typing import Any

import asyncpg
import httpx
import pytest

from tests.broker.running import inside

HOST = "http://127.0.0.1:1026"


def things(first: int, number: int) -> list[dict[str, Any]]:
    return [{"id": f"urn:ngsi-ld:Thing:{i}", "type": "Thing", "n": i} for i in range(first, first + number)]


async def fill(client: httpx.AsyncClient, number: int) -> None:
    for first in range(0, number, 2000):
        answer = await client.post("/entityOperations/create", json=things(first, min(2000, number - first)))
        assert answer.status_code == 201


def links(answer: httpx.Response) -> dict[str, str]:
    found = re.findall(r'<([^>]*)>;rel="(next|prev)";type="application/ld\+json"', answer.headers["link"])
    return {rel: url for url, rel in found}


@pytest.mark.parametrize(
    ("query", "size", "before", "after"),
    [
        ("type=Thing", 5, None, None),
        ("type=Thing&limit=5", 5, None, None),
        ("type=Thing&limit=2", 2, None, "type=Thing&limit=2&offset=2"),
        ("limit=2&type=Thing&offset=2", 2, "limit=2&type=Thing&offset=0", "limit=2&type=Thing&offset=4"),
        ("offset=4&limit=2&type=Thing", 1, "offset=2&limit=2&type=Thing", None),
        ("type=Thing&offset=1&limit=4", 4, "type=Thing&offset=0&limit=4", None),
        ("type=Thing&offset=9&limit=4", 0, "type=Thing&offset=5&limit=4", None),
        ("type=Thing&limit=0&count=true", 0, None, None),
        ("type=Thing&q=n%3E0&limit=3", 3, None, "type=Thing&q=n%3E0&limit=3&offset=3"),
        (
            "type=Thing&limit=2&count=true&options=keyValues",
            2,
            None,
            "type=Thing&limit=2&count=true&options=keyValues&offset=2",
        ),
    ],
)
async def test_links_and_counts(
    client: httpx.AsyncClient, query: str, size: int, before: str | None, after: str | None
) -> None:
    await fill(client, 5)
    answer = await client.get(f"/entities?{query}")
    assert len(answer.json()) == size
    told = {rel: f"/ngsi-ld/v1/entities?{url}" for rel, url in (("prev", before), ("next", after)) if url}
    assert links(answer) == told
    for url in told.values():
        assert (await client.get(HOST + url)).status_code == 200
    counted = answer.headers.get("ngsild-results-count")
    assert counted == ("5" if "count" in query else None)


async def test_paging_through_many_while_others_write(client: httpx.AsyncClient) -> None:
    await fill(client, 20_000)
    done = asyncio.Event()

    async def creating() -> None:
        first = 1_000_000
        while not done.is_set():
            assert (await client.post("/entityOperations/create", json=things(first, 50))).status_code == 201
            first += 50

    async def changing() -> None:
        number = 0
        while not done.is_set():
            number = (number + 7919) % 20_000
            answer = await client.post(f"/entities/urn:ngsi-ld:Thing:{number}/attrs", json={"x": number})
            assert answer.status_code == 204

    async def paging() -> list[str]:
        met: list[str] = []
        url: str | None = "/ngsi-ld/v1/entities?type=Thing&limit=1000&options=keyValues"
        while url and len(met) < 40_000:
            answer = await client.get(HOST + url)
            met += [item["id"] for item in answer.json() if item["n"] < 1_000_000]
            url = links(answer).get("next")
        done.set()
        return met

    met, *_ = await asyncio.gather(paging(), creating(), changing())
    assert len(met) == 20_000
    assert len(set(met)) == 20_000


async def test_values_come_back_exactly(client: httpx.AsyncClient) -> None:
    numbers = b'"a":9007199254740991,"b":1.222e-11,"c":1.0,"d":18446744073709551615,"e":-0.1'
    values = b'{%s,"g":"%s \\u0001"}' % (numbers, "金沢".encode())
    await client.post(
        "/entities",
        content=b'{"id":"urn:ngsi-ld:V:1","type":"V","v":{"type":"JsonProperty","json":%s}}' % values,
        headers={"Content-Type": "application/json"},
    )
    answer = await client.get("/entities/urn:ngsi-ld:V:1")
    assert numbers in answer.content
    assert answer.json()["v"]["json"]["g"] == "金沢 \u0001"


async def test_what_has_expired_is_not_served(client: httpx.AsyncClient, dsn: str) -> None:
    later = "2099-01-01T00:00:00Z"
    body = {
        "id": "urn:ngsi-ld:V:1",
        "type": "V",
        "brief": {"value": 1, "expiresAt": later},
        "long": {"value": 2, "sub": {"value": 3, "expiresAt": later}},
    }
    assert (await client.post("/entities", json=body)).status_code == 201
    brief = {"id": "urn:ngsi-ld:V:2", "type": "V", "expiresAt": later}
    assert (await client.post("/entities", json=brief)).status_code == 201
    before = (await client.get("/entities/urn:ngsi-ld:V:1")).json()
    assert before["brief"] == {"type": "Property", "value": 1}
    assert before["long"]["sub"]["value"] == 3
    await bring_forward(dsn)
    after = (await client.get("/entities/urn:ngsi-ld:V:1?options=sysAttrs")).json()
    assert "brief" not in after
    assert "sub" not in after["long"]
    assert (await client.get("/entities/urn:ngsi-ld:V:1?attrs=brief")).status_code == 404
    assert (await client.get("/entities/urn:ngsi-ld:V:2")).status_code == 404
    assert [item["id"] for item in (await client.get("/entities?type=V")).json()] == ["urn:ngsi-ld:V:1"]


async def bring_forward(dsn: str) -> None:
    """What would expire in 2099 has expired, and has not been cleaned up."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "update entity set expires_at = expires_at - interval '90 years', "
        "attributes = replace(attributes::text, '2099-', '2009-')::jsonb"
    )
    await connection.close()


async def test_many_retrievals_at_once_each_get_their_own(client: httpx.AsyncClient) -> None:
    await fill(client, 300)
    await client.post("/entities", json={"id": "urn:ngsi-ld:Thing:5", "type": "Other"}, headers={"NGSILD-Tenant": "t"})

    async def one(number: int) -> Any:
        answer = await client.get(f"/entities/urn:ngsi-ld:Thing:{number}?options=keyValues")
        return answer.json().get("n", answer.status_code)

    assert await asyncio.gather(*map(one, range(310))) == [*range(300), *[404] * 10]
    other = await asyncio.gather(
        *(client.get("/entities/urn:ngsi-ld:Thing:5", headers={"NGSILD-Tenant": name}) for name in ("t", ""))
    )
    assert [answer.json()["type"] for answer in other] == ["Other", "Thing"]


async def test_a_retrieval_sees_the_write_before_it(client: httpx.AsyncClient) -> None:
    await fill(client, 20)

    async def write_and_read(number: int) -> None:
        for value in range(20):
            entity = f"/entities/urn:ngsi-ld:Thing:{number}"
            assert (await client.patch(f"{entity}/attrs/n", json={"value": value})).status_code == 204
            assert (await client.get(f"{entity}?options=keyValues")).json()["n"] == value

    await asyncio.gather(*map(write_and_read, range(20)))


async def test_too_many_linked_entities_are_refused(dsn: str) -> None:
    async with inside(dsn, max_linked=2) as client:
        for number, others in (("3", "1"), ("4", "2")):
            linked = {"type": "Relationship", "object": [f"urn:ngsi-ld:Thing:{i}" for i in range(int(others) + 1)]}
            hub = {"id": f"urn:ngsi-ld:Hub:{number}", "type": "Hub", "all": linked}
            assert (await client.post("/entities", json=hub)).status_code == 201
        await fill(client, 3)
        for join in ("flat", "inline"):
            few = await client.get(f"/entities/urn:ngsi-ld:Hub:3?join={join}")
            assert few.status_code == 200, few.text
            many = await client.get(f"/entities/urn:ngsi-ld:Hub:4?join={join}")
            assert many.status_code == 403
            assert many.json()["type"].endswith("/TooManyResults")
