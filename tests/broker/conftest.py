"""A real broker in the test's loop on a real database, a fresh one per test."""

import os
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from broker.store.db import Database
from tests.broker import databases
from tests.broker.evolving import series as series
from tests.broker.meanings import city as city
from tests.broker.meanings import web as web
from tests.broker.running import inside
from tests.broker.sink import Sink
from tests.broker.world import http as http


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    given = os.environ.get("YUKITSURI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with databases.server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    with databases.template(server) as name:
        yield name


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    async with databases.database(server, template) as one:
        yield one


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """Connections of the test's own, beside those of the broker."""
    database = await Database.connect(dsn, connections=2, writers=1, statement_timeout=60)
    yield database
    await database.close()


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(dsn) as one:
        yield one


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """An endpoint on loopback."""
    async with Sink() as one:
        yield one


@pytest.fixture
async def notifying(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A broker that may notify loopback and does not wait long."""
    async with inside(
        dsn,
        remote_allow="127.0.0.0/8",
        notification_retry=0.05,
        notification_retry_longest=0.4,
        notification_timeout=0.5,
        notification_attempts=30,
    ) as one:
        yield one
