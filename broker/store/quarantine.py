"""Messages set aside: raw bytes, reason, source. The same bytes from the same place are one record with its count."""

from typing import Any

import orjson

from broker.store.db import Database

_SHOWN = "no as id, source, reason, metadata, received_at, length(raw) as size, replayed_at, times, last_at"
_ADD = """
insert into quarantine (tenant, source, reason, raw, metadata) values ($1, $2, $3, $4, $5)
on conflict (tenant, source, digest, coalesce(metadata->>'topic', ''), coalesce(metadata->>'kind', '')) do update
set times = quarantine.times + 1, last_at = now(), reason = excluded.reason, replayed_at = null
returning no
"""


async def add(database: Database, tenant: int, source: str, reason: str, raw: bytes, metadata: dict[str, Any]) -> int:
    return int(await database.writers.fetchval(_ADD, tenant, source, reason, raw, orjson.dumps(metadata)))


async def listed(database: Database, tenant: int, source: str | None, limit: int, offset: int) -> list[dict[str, Any]]:
    rows = await database.readers.fetch(
        f"select {_SHOWN} from quarantine where tenant = $1 and ($2::text is null or source = $2) "
        "order by no desc limit $3 offset $4",
        tenant,
        source,
        limit,
        offset,
    )
    return [dict(row) for row in rows]


async def one(database: Database, tenant: int, no: int) -> dict[str, Any] | None:
    row = await database.readers.fetchrow(
        f"select {_SHOWN}, raw from quarantine where tenant = $1 and no = $2", tenant, no
    )
    return None if row is None else dict(row)


async def mark_replayed(database: Database, tenant: int, no: int) -> bool:
    done = await database.writers.execute(
        "update quarantine set replayed_at = now() where tenant = $1 and no = $2", tenant, no
    )
    return str(done).endswith(" 1")
