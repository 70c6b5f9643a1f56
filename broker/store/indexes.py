"""Indexes for q and geo-queries, made where questions ask for them (see 0011_indexes.sql).

Measured on 100,000 entities of 10 attributes: testing all of them costs about 1.2 us each, a look-up here less than
a millisecond. An index on the column `attributes` itself costs a write 2.5 times its price, for it ends updates in
place; a row for every number 70 us an entity. So only paths that a slow question asked for have rows, each costs
a write some 15 us, and what nobody asks for costs nothing.

A question first looks whether there are few candidates (`probe`). When there are many, it walks through the
entities in their order instead: then the first page is found soon.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Final

import asyncpg

from broker.store.db import Database
from broker.store.jsonpath import instances, targets
from broker.store.statements import statements
from ngsi.geometry import ewkb
from ngsi.query.boolean import All
from ngsi.query.comparison import FORMS
from ngsi.query.entities import EntityQuery
from ngsi.query.geo import GeoQuery
from ngsi.query.q import Condition, Literal, Query, Range

if TYPE_CHECKING:
    from broker.store.compile import Where

FEW: Final = 2000  # candidates that are fetched one by one for a page
FEW_OF_ALL: Final = 20_000  # and where no page ends the walk
MOST_PATHS: Final = 64
SLOW: Final = 0.01  # seconds after which a question is worth an index
_KINDS: Final = {"number": "n", "string": "s", "uri": "s", "dateTime": "t"}
_FILTERS: Final = {
    "n": ' ? (@.type() == "number")',
    "s": ' ? (@.type() == "string")',
    "t": f' ? (@.type() == "string" && @ like_regex "{FORMS["dateTime"]}").timestamp_tz()',
}
_BOUNDED: Final = frozenset({"within", "contains", "intersects", "equals", "overlaps"})
_log = logging.getLogger(__name__)

Probe = Callable[["Where", int], str]


@dataclass(frozen=True, slots=True)
class AskedPath:
    """Where a condition looks: values of one kind (n number, s string, t instant) at `path` from `attribute` on."""

    kind: str
    attribute: str
    path: str
    paths: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Keys from `low` to `high`, or the key of `text`, at an asked path."""

    at: AskedPath
    low: float = -inf
    high: float = inf
    text: str | None = None


def lookups(query: Query | None) -> list[Lookup] | None:
    """Look-ups whose entities, taken together, hold all that match; None when no index can tell."""
    if query is None:
        return None
    if isinstance(query, Condition):
        return _of_condition(query)
    parts = [lookups(part) for part in query.parts]
    known = [part for part in parts if part is not None]
    if isinstance(query, All):
        return min(known, key=_width) if known else None
    return [item for part in known for item in part] if len(known) == len(parts) else None


def choose(query: EntityQuery, ready: dict[AskedPath, int]) -> Probe | None:
    """How to find the candidates of `query`: by what is equal first, then by place, then by range."""
    found = lookups(query.q)
    if found is not None and not all(item.at in ready for item in found):
        found = None
    bounded = query.geo is not None and (query.geo.relation in _BOUNDED or query.geo.max_distance is not None)
    if query.geo is not None and bounded and (found is None or _width(found)):
        geo = query.geo
        return lambda where, few: _place_probe(geo, where, few)
    return None if found is None else lambda where, few: _fact_probe(found, ready, where, few)


def spatial(query: GeoQuery, shape: str, where: "Where") -> str:
    """The relation of the query between the geometry `shape` and its own; `near` on the ellipsoid."""
    origin = f"valid_shape(ST_GeomFromEWKB({where.bind(ewkb(query.geometry))}))"
    if query.relation != "near":
        return f"ST_{query.relation}({shape}, {origin})"
    if query.max_distance is not None:
        return f"ST_DWithin({shape}::geography, {origin}::geography, {where.bind(query.max_distance)})"
    return f"not ST_DWithin({shape}::geography, {origin}::geography, {where.bind(query.min_distance)})"


async def ready(database: Database) -> dict[AskedPath, int]:
    """The asked paths that are complete, by number; looked up anew twice a minute."""
    now = asyncio.get_running_loop().time()
    if now >= database.indexes_due:
        database.indexes_due = now + 30
        rows = await database.readers.fetch(statements("indexes")["ready"])
        database.indexes = {AskedPath(row["kind"].decode(), row["attribute"], row["path"]): row["no"] for row in rows}
    return database.indexes


def want(database: Database, query: EntityQuery) -> None:
    """Have indexes built in the background for what `query` asks for."""
    missing = [item.at for item in lookups(query.q) or [] if item.at not in database.indexes]
    if missing and (database.building is None or database.building.done()):
        database.building = asyncio.create_task(_build_quietly(database, missing[0]))


async def build(database: Database, asked: AskedPath) -> None:
    """Index `asked` for all entities, while others write: from its registration on, every write keeps it."""
    sql = statements("indexes")
    async with database.writers.acquire() as connection:
        if not await connection.fetchval(sql["claim"]):
            return  # another process is at it
        try:
            row = await connection.fetchrow(
                sql["register"], asked.kind.encode(), asked.attribute, asked.path, list(asked.paths), MOST_PATHS
            )
            if row is None:
                return
            # writers that began before the registration was there must have ended
            while not await connection.fetchval(sql["seen_by_all"], row["registered"]):  # noqa: ASYNC110  the server tells nobody
                await asyncio.sleep(0.02)
            await _fill(connection, row["no"])
            await connection.execute(sql["complete"], row["no"])
        finally:
            await connection.execute(sql["unclaim"])
    database.indexes_due = 0.0


async def _fill(connection: asyncpg.Connection, no: int) -> None:
    """Takes entities in the order in which writers lock them, a few at a time."""
    tenant, last = 0, ""
    while True:
        async with connection.transaction():
            rows = await connection.fetch(statements("indexes")["next"], tenant, last)
            await connection.execute(statements("indexes")["fill"], no, [row["no"] for row in rows])
        if not rows:
            return
        tenant, last = rows[-1]["tenant"], rows[-1]["id"]


async def _build_quietly(database: Database, asked: AskedPath) -> None:
    try:
        await build(database, asked)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _log.warning("no index for %s yet: %s", asked.attribute, error)


def _of_condition(condition: Condition) -> list[Lookup] | None:
    path = condition.path
    if path.links or not path.attributes or condition.operator not in ("==", ">", ">=", "<", "<="):
        return None
    kinds = {_kind_of(operand) for operand in condition.operands}
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None or (kind == "s" and condition.operator != "=="):
        return None
    if kind == "s" and any(isinstance(operand, Range) for operand in condition.operands):
        return None
    first, *deeper = path.attributes
    signature = ".".join([*deeper, path.member or "", *(f"[{key}]" for key in path.keys)])
    places = targets(path, relations=kind == "s", numeric=kind == "n")
    where = tuple(f"{instances(path.attributes)}.{place}{_FILTERS[kind]}" for place in places)
    asked = AskedPath(kind, first, signature, where)
    return [_lookup(asked, condition.operator, operand) for operand in condition.operands]


def _kind_of(operand: Literal | Range) -> str | None:
    return _KINDS.get(operand.low.kind if isinstance(operand, Range) else operand.kind)


def _lookup(asked: AskedPath, sign: str, operand: Literal | Range) -> Lookup:
    if isinstance(operand, Range):
        return Lookup(asked, _key(operand.low, -1), _key(operand.high, 1))
    if asked.kind == "s":
        return Lookup(asked, text=operand.value)
    low = _key(operand, -1) if sign in ("==", ">", ">=") else -inf
    high = _key(operand, 1) if sign in ("==", "<", "<=") else inf
    return Lookup(asked, low, high)


def _key(literal: Literal, side: int) -> float:
    if literal.kind == "dateTime":  # a little wide: microseconds are at the edge of double precision
        return datetime.fromisoformat(literal.value).timestamp() + side * 0.001
    return float(literal.value)


def _width(found: list[Lookup]) -> int:
    """0 when all are equalities."""
    return sum(item.text is None and item.low != item.high for item in found)


def _fact_probe(found: list[Lookup], numbers: dict[AskedPath, int], where: "Where", few: int) -> str:
    parts = []
    for item in found:
        if item.text is None:
            key = f"between {where.bind(item.low)} and {where.bind(item.high)}"
        else:
            key = f"= hashtext({where.bind(item.text)})::float8"
        path = where.bind(numbers[item.at])
        parts.append(f"(select entity from fact where path = {path} and key {key} limit {few + 1})")
    return f"select * from ({' union all '.join(parts)}) f limit {few + 1}"


def _place_probe(query: GeoQuery, where: "Where", few: int) -> str:
    test = spatial(query, "p.shape", where)
    return f"select entity from place p where p.attribute = {where.bind(query.geoproperty)} and {test} limit {few + 1}"
