"""Whole chunks of the hypertables: dropped from the log, compressed in history where the edition allows it."""

from datetime import datetime

import asyncpg

from broker.store.db import Database

_COMPRESSED = (
    "alter table history set (timescaledb.compress, timescaledb.compress_segmentby = 'entity, attribute, dataset', "
    "timescaledb.compress_orderby = 'at')"
)


async def compresses(database: Database) -> bool:
    """Whether this edition of TimescaleDB can compress; the Apache edition cannot."""
    return bool(await database.readers.fetchval("select current_setting('timescaledb.license', true) = 'timescale'"))


async def drop_log(database: Database, before: datetime) -> int:
    """Drop chunks of the log that end before the instant; returns how many."""
    return len(await database.writers.fetch("select drop_chunks('log', older_than => $1::timestamptz)", before))


async def compress_history(database: Database, before: datetime) -> int:
    """Compress chunks of history that end before the instant; returns how many. All operations go on working."""
    if not await compresses(database):
        return 0
    enabled = "select compression_enabled from timescaledb_information.hypertables where hypertable_name = 'history'"
    if not await database.writers.fetchval(enabled):
        await database.writers.execute(_COMPRESSED)
    chunks = await database.writers.fetch(
        "select format('%I.%I', chunk_schema, chunk_name) as name from timescaledb_information.chunks "
        "where hypertable_name = 'history' and not is_compressed and range_end < $1",
        before,
    )
    for chunk in chunks:
        try:
            await database.writers.execute("select compress_chunk($1::text::regclass, true)", chunk["name"])
        except asyncpg.UndefinedTableError:  # dropped meanwhile
            continue
    return len(chunks)
