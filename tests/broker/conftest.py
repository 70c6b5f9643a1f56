"""A real broker in the test's loop on a real database, a fresh one per test."""

import asyncio
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
from tests.broker.evolving import series as series
from tests.broker.meanings import city as city
from tests.broker.meanings import web as web
from tests.broker.sink import Sink
from tests.broker.world import http as http


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    given = os.environ.get("YUKITSURI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(Path("data/test")) as dsn:
        asyncio.run(_hasten(dsn))
    with EmbeddedPostgres(Path("data/test")) as dsn:
        yield dsn


async def _hasten(dsn: str) -> None:
    """No test cuts the power, and databases come and go: what makes both dear is left out."""
    settings = {"fsync": "off", "full_page_writes": "off", "timescaledb.max_background_workers": "0"}
    for name, value in settings.items():
        await _execute(dsn, f"alter system set {name} to {value}")
    # each connection computes as many hashes as the password was made with
    await _execute(dsn, f"set scram_iterations = 1; alter role current_user password '{urlsplit(dsn).password}'")


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to: copying it is ten times faster than migrating."""
    name = f"template_{uuid4().hex}"
    asyncio.run(_make_template(server, name))
    yield name
    asyncio.run(_drop(server, name))


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid4().hex}"
    await _execute(server, f"create database {name} template {template}")
    yield _at(server, name)
    await _drop(server, name)


async def _make_template(server: str, name: str) -> None:
    await _execute(server, f"create database {name}")
    await migrate.run(_at(server, name))
    # a third of a database is coordinate systems that nobody uses
    await _execute(_at(server, name), "delete from spatial_ref_sys where srid <> 4326")
    await _execute(_at(server, name), "vacuum full spatial_ref_sys")
    await _execute(_at(server, name), "select _timescaledb_functions.stop_background_workers()")
    await _execute(server, f"alter database {name} allow_connections false")  # or they come back


async def _drop(server: str, name: str) -> None:
    await _execute(server, f"drop database {name} with (force)")


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _at(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


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


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """An endpoint on loopback."""
    async with Sink() as one:
        yield one


@pytest.fixture
async def notifying(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A broker that may notify loopback and does not wait long."""
    settings = Settings(
        database_url=dsn,
        remote_allow="127.0.0.0/8",
        notification_retry=0.05,
        notification_retry_longest=0.4,
        notification_timeout=0.5,
        notification_attempts=30,
    )
    app = create_app(settings)
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1:1026/ngsi-ld/v1"
        ) as http,
    ):
        yield http
