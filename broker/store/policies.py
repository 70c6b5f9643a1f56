"""Policies: how long raw readings and roll-ups of the entities of a type are kept."""

from dataclasses import dataclass
from typing import Any

import orjson

from broker.store.db import Database
from broker.store.rollups import LOCK

_SHOWN = "type, raw_days, levels"


@dataclass(frozen=True, slots=True)
class Policy:
    """`raw_days`: days that readings are kept; `levels`: seconds of a roll-up to its days. None is for ever."""

    type: str
    raw_days: int | None
    levels: dict[int, int | None]


async def listed(database: Database, tenant: int) -> list[Policy]:
    rows = await database.readers.fetch(f"select {_SHOWN} from policy where tenant = $1 order by type", tenant)
    return [_policy(row) for row in rows]


async def one(database: Database, tenant: int, kind: str) -> Policy | None:
    row = await database.readers.fetchrow(f"select {_SHOWN} from policy where tenant = $1 and type = $2", tenant, kind)
    return _policy(row) if row is not None else None


async def put(database: Database, tenant: int, policy: Policy) -> bool:
    """Store `policy`; what it rolls up is computed in the background. True when it is new."""
    levels = orjson.dumps({str(level): days for level, days in policy.levels.items()})
    async with database.writers.acquire() as connection, connection.transaction():
        fresh: bool = await connection.fetchval(
            "insert into policy (tenant, type, raw_days, levels) values ($1, $2, $3, $4) on conflict (tenant, type) "
            "do update set raw_days = excluded.raw_days, levels = excluded.levels, level_since = "
            "(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(policy.level_since) "
            "where excluded.levels ? key) returning xmax = 0",
            tenant, policy.type, policy.raw_days, levels,
        )  # fmt: skip
        await connection.execute(
            "update rollup_entity set ready = false where entity in "
            "(select no from entity where tenant = $1 and types @> array[$2::text])",
            tenant, policy.type,
        )  # fmt: skip
    return fresh


async def remove(database: Database, tenant: int, kind: str) -> bool:
    """Forget the policy, and the roll-ups of entities that no other one rolls up. False when there is none."""
    async with database.writers.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        done = await connection.execute("delete from policy where tenant = $1 and type = $2", tenant, kind)
        left = "select e.no from entity e join policy p on p.tenant = e.tenant and e.types @> array[p.type]"
        for table in ("rollup", "rollup_due", "rollup_open", "rollup_entity"):
            await connection.execute(f"delete from {table} where entity not in ({left} where p.levels <> '{{}}')")
    return str(done) != "DELETE 0"


def _policy(row: Any) -> Policy:
    return Policy(row["type"], row["raw_days"], {int(level): days for level, days in row["levels"].items()})
