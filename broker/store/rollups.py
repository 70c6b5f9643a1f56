"""Roll-ups of history, kept complete in the background: whole UTC days up to the mark (see 0032_rollups.sql).

Every step is a transaction of its own and can be repeated, so that a kill at any moment costs nothing but time.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import orjson

from broker.store.db import Database
from broker.store.statements import statements

LOCK: Final = 1032
LEVELS: Final = {600: "PT10M", 3600: "PT1H", 86400: "P1D"}
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DUE: Final = 500
_ENTITIES: Final = 100


async def refresh(database: Database, now: datetime) -> int:
    """Bring the roll-ups up to the last midnight (UTC) before `now`; returns how many days of series were computed."""
    sql = statements("rollups")
    if not await database.readers.fetchval("select exists (select from policy) or exists (select from rollup_entity)"):
        return 0
    await _advance(database, datetime.combine(now.astimezone(UTC).date(), time(), UTC))
    while rows := await database.writers.fetch(sql["unready"]):
        await _ready(database, [row["entity"] for row in rows])
    for span in await database.writers.fetch("select since, until from rollup_span order by since"):
        async with database.writers.acquire() as connection, connection.transaction():
            await connection.execute(sql["tell_span"], span["since"], span["until"])
            await connection.execute(sql["close_span"], span["since"])
    done = 0
    while computed := await _compute(database):
        done += computed
    return done


async def retain(database: Database, now: datetime) -> bool:
    """Drop what policies keep no longer: raw readings whose roll-ups are complete, and roll-ups.

    False when some readings had to stay, for their roll-ups are not complete yet.
    """
    sql, complete = statements("rollups"), True
    for policy in await database.writers.fetch(sql["policies"]):
        rows = await database.writers.fetch(sql["entities_of"], policy["tenant"], policy["type"])
        numbers = [row["no"] for row in rows]
        if policy["raw_days"] is not None:
            horizon = _midnight(now - timedelta(days=policy["raw_days"]))
            complete = await _drop_raw(database, policy, numbers, horizon) and complete
        for seconds, days in policy["levels"].items():
            if days is not None:
                await _drop_level(database, policy, numbers, seconds, _midnight(now - timedelta(days=days)))
    return complete


async def declared(database: Database) -> list[tuple[object, ...]]:
    """The policies as they are, to be compared."""
    rows = await database.readers.fetch("select tenant, type, raw_days, levels::text from policy order by 1, 2")
    return [tuple(row) for row in rows]


async def _advance(database: Database, upto: datetime) -> None:
    sql = statements("rollups")
    passed = await database.readers.fetchval("select upto >= $1 from rollup_mark", upto)
    if passed and not await database.readers.fetchval(sql["wants_enrolling"]):
        return
    micros = (upto - _EPOCH) // timedelta(microseconds=1)
    async with database.writers.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(sql["advance"], upto, micros)
        await connection.execute(sql["enrol"])


async def _ready(database: Database, entities: list[int]) -> None:
    sql = statements("rollups")
    async with database.writers.acquire() as connection, connection.transaction():
        await connection.execute(sql["tell_past"], entities)
        await connection.execute(sql["ready"], entities)


async def _compute(database: Database) -> int:
    """Compute some of the days that are due; a writer that touches one of them meanwhile tells it again."""
    sql = statements("rollups")
    async with database.writers.acquire() as connection, connection.transaction():
        taken = await connection.fetch(sql["take_due"], _DUE)
        if taken:
            rows = await connection.fetch(sql["kept_raw"], *_columns(taken), list(LEVELS))
            await connection.execute(sql["open"], *_columns(rows))
            await connection.execute(sql["clear"], *_columns(rows), list(LEVELS))
            days = [datetime.combine(row["day"], time(), UTC) for row in taken]
            await connection.execute(sql["build"], *_columns(rows), min(days), max(days) + timedelta(days=1))
        return len(taken)


async def _drop_raw(database: Database, policy: Any, numbers: list[int], horizon: datetime) -> bool:
    """Raw readings go when their roll-ups are there; of each series one stays, so that the state can be told."""
    sql = statements("rollups")
    tenant, kind = policy["tenant"], policy["type"]
    if policy["levels"] and await database.writers.fetchval(sql["pending"], tenant, kind, horizon):
        return False
    levels = orjson.dumps(policy["levels"])
    if not await database.writers.fetchval(sql["raw_gone"], tenant, kind, horizon, levels):
        return False
    for part in _parts(numbers):
        await database.writers.execute(sql["drop_raw"], part, horizon)
    return True


async def _drop_level(database: Database, policy: Any, numbers: list[int], seconds: str, horizon: datetime) -> None:
    sql = statements("rollups")
    await database.writers.execute(sql["level_gone"], policy["tenant"], policy["type"], seconds, horizon)
    for part in _parts(numbers):
        await database.writers.execute(sql["drop_level"], part, int(seconds), horizon)


def _parts(numbers: list[int]) -> list[list[int]]:
    return [numbers[at : at + _ENTITIES] for at in range(0, len(numbers), _ENTITIES)]


def _midnight(instant: datetime) -> datetime:
    return datetime.combine(instant.astimezone(UTC).date(), time(), UTC)


def _columns(rows: list[Any]) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in ("entity", "attribute", "dataset", "day")]
