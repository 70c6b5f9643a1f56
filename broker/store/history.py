"""The temporal evolution of one entity, read from the hypertable."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.store.db import Database
from broker.store.instances import from_row
from broker.store.tenants import known_terms
from ngsi.attribute import Attributes
from ngsi.entity import Entity

_ENTITY = "select no, id, types, scopes, created_at, modified_at, expires_at from entity where tenant = $1 and id = $2"
_INSTANCES = """
select h.* from (select distinct attribute from history where entity = $1) a
cross join lateral (
    select * from history h
    where h.entity = $1 and h.attribute = a.attribute and not h.deleted
      and h.at >= coalesce($2, '-infinity'::timestamptz) and h.at < coalesce($3, 'infinity'::timestamptz)
      and ($4::integer[] is null or h.attribute = any($4))
    order by h.at desc limit $5
) h
"""


@dataclass(frozen=True, slots=True)
class Window:
    """Readings from `start` (inclusive) to `end` (exclusive); `last` is the number per attribute, newest first."""

    start: datetime | None = None
    end: datetime | None = None
    last: int | None = None
    limit: int = 10_000


async def evolution(
    database: Database, tenant: int, entity_id: str, window: Window, attributes: tuple[str, ...]
) -> Entity | None:
    """The entity with every attribute's instances in `window`; None when it was never known."""
    row = await database.readers.fetchrow(_ENTITY, tenant, entity_id)
    if row is None:
        return None
    numbers: list[int] | None = None
    if attributes:
        known = await database.readers.fetch("select no from term where iri = any($1::text[])", list(attributes))
        numbers = [item["no"] for item in known]
    most = window.last or window.limit
    rows = await database.readers.fetch(_INSTANCES, row["no"], window.start, window.end, numbers, most)
    return Entity(
        row["id"],
        row["types"],
        await _by_attribute(database, rows, newest_first=window.last is not None),
        row["scopes"] or [],
        row["created_at"],
        row["modified_at"],
        row["expires_at"],
    )


async def _by_attribute(database: Database, rows: list[Any], *, newest_first: bool) -> Attributes:
    iris = await known_terms(database, {no for row in rows for no in (row["attribute"], row["dataset"])})
    found: Attributes = {}
    for row in rows if newest_first else reversed(rows):
        found.setdefault(iris[row["attribute"]], []).append(from_row(row, iris))
    return found
