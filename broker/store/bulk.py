"""Readings by COPY: whole chunks of them into history, each reading once, and how far a file is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.store.db import Database
from broker.store.instances import Row
from broker.store.statements import statements


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines of a file that are done; readings stored, known before, and lines refused."""

    lines: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0


async def keep(database: Database, rows: Sequence[Row]) -> int:
    """Put rows (see `instances.to_row`) into history unless the reading is there; returns how many were new."""
    sql = statements("bulk")
    async with database.writers.acquire() as connection:
        await connection.execute(sql["stage"])
        async with connection.transaction():
            await connection.execute(sql["lock"])
            await connection.copy_records_to_table("incoming", records=rows)
            await connection.execute(sql["late"])
            done = await connection.execute(sql["keep"])
    return int(done.rpartition(" ")[2])


async def numbers(database: Database, tenant: int, ids: Iterable[str]) -> dict[str, int]:
    """Entity numbers by id, of those entities that are there."""
    return {
        row["id"]: row["no"] for row in await database.writers.fetch(statements("bulk")["numbers"], tenant, list(ids))
    }


async def unknown(database: Database, tenant: int, ids: Iterable[str]) -> list[str]:
    """Those of `ids` that never were entities."""
    return [row["id"] for row in await database.writers.fetch(statements("bulk")["unknown"], tenant, list(ids))]


async def progress(database: Database, tenant: int, file: str) -> Progress:
    row = await database.writers.fetchrow(statements("bulk")["progress"], tenant, file)
    return Progress(*row.values()) if row is not None else Progress()


async def done(database: Database, tenant: int, file: str, now: Progress) -> None:
    sql = statements("bulk")["done"]
    await database.writers.execute(sql, tenant, file, now.lines, now.stored, now.known, now.refused)
