"""Brings a database to the current schema: numbered .sql files, each applied once, in one transaction each."""

from importlib.resources import files

import asyncpg

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
        for name in ("timescaledb", "postgis"):
            await _extension(connection, name)
        await connection.execute(
            "create table if not exists migration "
            "(name text primary key, applied_at timestamptz not null default now())"
        )
        applied = {row["name"] for row in await connection.fetch("select name from migration")}
        return [name for name, sql in available() if name not in applied and await _apply(connection, name, sql)]
    finally:
        await connection.close()


def available() -> list[tuple[str, str]]:
    """All migrations in order: (name, SQL)."""
    folder = files("broker.store").joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]


async def _extension(connection: asyncpg.Connection, name: str) -> None:
    try:
        await connection.execute(f"create extension if not exists {name}")
    except asyncpg.PostgresError as error:
        raise MissingExtension(
            f"the database server lacks the extension {name} ({error}). Install TimescaleDB and PostGIS on it, "
            f"and let a superuser run `create extension {name}` once, or leave DATABASE_URL unset to use the "
            "embedded server"
        ) from error


async def _apply(connection: asyncpg.Connection, name: str, sql: str) -> bool:
    async with connection.transaction():
        await connection.execute(sql)
        await connection.execute("insert into migration (name) values ($1)", name)
    return True
