"""Stored @contexts, each in its tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from broker.store.db import Database
from broker.store.statements import statements

Kind = Literal["Hosted", "Cached", "ImplicitlyCreated"]

_MOST: Final = 1000  # fetched ones, and compounds, that a tenant keeps; the ones longest unused go first


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored @context. `body` is the value of "@context", None in lists; times are UTC."""

    id: str
    kind: Kind
    url: str | None
    body: Any
    created_at: datetime
    expires_at: datetime | None = None
    last_usage: datetime | None = None
    hits: int = 0


async def put(database: Database, tenant: str, stored: Stored) -> bool:
    """Keep `stored`, in place of one with the same id; False when the tenant does not exist."""
    kept = await database.writers.fetchval(
        statements("contexts")["put"],
        tenant,
        stored.id,
        stored.kind,
        stored.url,
        orjson.dumps(stored.body),
        stored.created_at,
        stored.expires_at,
    )
    if stored.kind != "Hosted":
        await database.writers.execute(statements("contexts")["thin"], tenant, stored.kind, _MOST)
    return kept is not None


async def find(database: Database, tenant: str, name: str) -> Stored | None:
    """The @context with the local identifier or the original URL `name`."""
    if "\0" in tenant + name:  # no text in PostgreSQL has one
        return None
    row = await database.readers.fetchrow(statements("contexts")["find"], tenant, name)
    return None if row is None else Stored(**row)


async def listed(database: Database, tenant: str, kind: str | None) -> list[Stored]:
    """All of the tenant, the oldest first, without their bodies."""
    rows = await database.readers.fetch(statements("contexts")["listed"], tenant, kind)
    return [Stored(body=None, **row) for row in rows]


async def used(database: Database, uses: Sequence[tuple[str, str, int, datetime]]) -> None:
    """Count uses: tenant, id, how often, when last."""
    await database.writers.execute(
        statements("contexts")["used"], *(list(column) for column in zip(*uses, strict=True))
    )


async def remove(database: Database, tenant: str, id: str) -> bool:
    """Forget one; False when there is none."""
    return await database.writers.fetchval(statements("contexts")["remove"], tenant, id) is not None
