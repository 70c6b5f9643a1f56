"""Brokers and sources for tests of @contexts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from tests.broker.running import inside
from tests.broker.sources import Source, source

ROOT = "http://127.0.0.1:1026"
CONTEXTS = "/jsonldContexts"
LD = "application/ld+json"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
TERMS = {"Room": "https://a.example/Room", "t": "https://a.example/t"}
ROOM = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": 21}


def link(url: str) -> dict[str, str]:
    return {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="{LD}"'}


@asynccontextmanager
async def broker(dsn: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(dsn, **{"remote_allow": "127.0.0.0/8", **settings}) as http:
        yield http


@pytest.fixture
async def city(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with broker(dsn) as http:
        yield http


@pytest.fixture
def web() -> Iterator[Source]:
    with source() as made:
        yield made


async def post_ld(http: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await http.post(path, content=orjson.dumps(body), headers={"Content-Type": LD, **headers})


async def listed(http: httpx.AsyncClient, query: str = "details=true", **headers: str) -> Any:
    answer = await http.get(f"{CONTEXTS}?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()
