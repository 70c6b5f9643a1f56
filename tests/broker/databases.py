"""The database server of a test run, and databases that come and go on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from broker.store import migrate
from deploy.postgres import EmbeddedPostgres
from tests.ground import own


@contextmanager
def server() -> Iterator[str]:
    """A server for this run alone; its DSN."""
    with own(Path("data/test")) as folder:
        with EmbeddedPostgres(folder) as dsn:
            asyncio.run(_hasten(dsn))
        with EmbeddedPostgres(folder) as dsn:
            yield dsn


async def _hasten(dsn: str) -> None:
    """No test cuts the power, and databases come and go: what makes both dear is left out."""
    settings = {"fsync": "off", "full_page_writes": "off", "timescaledb.max_background_workers": "0"}
    for name, value in settings.items():
        await execute(dsn, f"alter system set {name} to {value}")
    # each connection computes as many hashes as the password was made with
    await execute(dsn, f"set scram_iterations = 1; alter role current_user password '{urlsplit(dsn).password}'")


@contextmanager
def template(server: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to: copying it is ten times faster than migrating."""
    name = f"template_{uuid4().hex}"
    asyncio.run(_make_template(server, name))
    try:
        yield name
    finally:
        asyncio.run(execute(server, f"drop database {name} with (force)"))


async def _make_template(server: str, name: str) -> None:
    await execute(server, f"create database {name}")
    await migrate.run(_at(server, name))
    # a third of a database is coordinate systems that nobody uses
    await execute(_at(server, name), "delete from spatial_ref_sys where srid <> 4326")
    await execute(_at(server, name), "vacuum full spatial_ref_sys")
    await execute(_at(server, name), "select _timescaledb_functions.stop_background_workers()")
    await execute(server, f"alter database {name} allow_connections false")  # or they come back


@asynccontextmanager
async def database(server: str, template: str) -> AsyncIterator[str]:
    """A copy of the template for one test; its DSN."""
    name = f"test_{uuid4().hex}"
    await execute(server, f"create database {name} template {template}")
    try:
        yield _at(server, name)
    finally:
        await execute(server, f"drop database {name} with (force)")


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _at(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
