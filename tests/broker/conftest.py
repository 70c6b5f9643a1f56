"""A real broker in the test's loop on a real database, a fresh one per test."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from broker.app import create_app
from broker.settings import Settings
from broker.store import migrate
from deploy.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    given = os.environ.get("YUKITSURI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(Path("data/test")) as dsn:
        yield dsn


@pytest.fixture
async def dsn(server: str) -> AsyncIterator[str]:
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {name}")
    fresh = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await migrate.run(fresh)
    yield fresh
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(database_url=dsn))
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1:1026/ngsi-ld/v1"
        ) as http,
    ):
        yield http
