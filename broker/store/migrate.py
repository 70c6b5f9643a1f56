"""Brings a database to the current schema: numbered .sql files, each applied once, in one transaction each."""

from importlib.resources import files

import asyncpg

_EXTENSIONS = ("timescaledb", "postgis")
_LOCK = 20_260_619  # any number of our own: two brokers that start together migrate one after the other


class MissingExtension(Exception):
    """The server lacks an extension that the broker needs; the message says which and how to get it."""


async def run(dsn: str) -> list[str]:
    """Apply what is missing to the database at `dsn`; returns the names applied now.

    Raises MissingExtension, or asyncpg's errors when the server cannot be reached.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1::bigint)", _LOCK)
        await _extensions(connection)
        await connection.execute(
            "create table if not exists migration "
            "(name text primary key, applied_at timestamptz not null default now())"
        )
        applied = {row["name"] for row in await connection.fetch("select name from migration")}
        return [name for name, sql in available() if name not in applied and await _apply(connection, name, sql)]
    finally:
        await connection.close()


async def missing(dsn: str) -> list[str]:
    """The names of the migrations that the database at `dsn` lacks. Raises as `run` does, for the connection."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        begun = await connection.fetchval("select to_regclass('migration') is not null")
        applied = {row["name"] for row in await connection.fetch("select name from migration")} if begun else set()
    finally:
        await connection.close()
    return [name for name, _ in available() if name not in applied]


def available() -> list[tuple[str, str]]:
    """All migrations in order: (name, SQL)."""
    folder = files("broker.store").joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]


async def _extensions(connection: asyncpg.Connection) -> None:
    refused = {name: why for name in _EXTENSIONS if (why := await _refused(connection, name))}
    if refused:
        reasons = "; ".join(f"{name}: {why}" for name, why in refused.items())
        commands = " ".join(f"create extension {name};" for name in refused)
        raise MissingExtension(
            f"the database server lacks what the broker needs ({reasons}). Install TimescaleDB and PostGIS on it "
            f"and let a superuser run `{commands}` in this database, or leave DATABASE_URL "
            "unset to use the embedded server"
        )


async def _refused(connection: asyncpg.Connection, extension: str) -> str | None:
    try:
        await connection.execute(f"create extension if not exists {extension}")
    except asyncpg.PostgresConnectionError:
        raise  # the server went away: that says nothing about the extension
    except asyncpg.PostgresError as error:
        return error.message or type(error).__name__
    return None


async def _apply(connection: asyncpg.Connection, name: str, sql: str) -> bool:
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("insert into migration (name) values ($1)", name)
    return True
