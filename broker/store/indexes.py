"""Indexes for q and geo-queries, made where questions ask for them (see 0011_indexes.sql).

Measured on 100,000 entities of 10 attributes: testing all of them costs about 1.2 us each, a look-up here less than
a millisecond. An index on the column `attributes` itself costs a write 2.5 times its price, for it ends updates in
place; a row for every number 70 us an entity. So only paths that a slow question asked for have rows, each costs
a write some 15 us, and what nobody asks for costs nothing.

What is found here is what `candidates` begins with.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import inf, isinf, nextafter
from typing import Any, Final

import asyncpg

from broker.store.db import Database
from broker.store.jsonpath import instances, targets
from broker.store.statements import statements
from ngsi.query.boolean import All
from ngsi.query.comparison import FORMS
from ngsi.query.entities import EntityQuery
from ngsi.query.q import Condition, Literal, Query, Range

MOST_PATHS: Final = 64
_EXACT: Final = 2**53  # from here on integers share keys
_MARGIN: Final = 0.001  # seconds: microseconds are at the edge of double precision
SLOW: Final = 0.01  # seconds after which a question is worth an index
_KINDS: Final = {"number": "n", "string": "s", "uri": "s", "dateTime": "t"}
_FILTERS: Final = {
    "n": ' ? (@.type() == "number")',
    "s": ' ? (@.type() == "string")',
    "t": f' ? (@.type() == "string" && @ like_regex "{FORMS["dateTime"]}").timestamp_tz()',
}
_log = logging.getLogger(__name__)


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

    @property
    def exact(self) -> bool:
        """Whether a key within the bounds is that of a value within them: numbers up to 2**53 are."""
        return self.at.kind == "n" and all(isinf(bound) or abs(bound) < _EXACT for bound in (self.low, self.high))

    def matches(self, bind: Callable[[Any], str]) -> str:
        """SQL for: the key is the text's, or within the bounds."""
        if self.text is not None:
            return f"key = hashtext({bind(self.text)})::float8"
        return f"key between {bind(self.low)} and {bind(self.high)}"

    def sure(self, bind: Callable[[Any], str]) -> str:
        """SQL for: the value of a key that matches fulfils the condition, without a look at it."""
        if self.text is not None:
            return "false"
        if self.exact:
            return "true"
        margin = 2 * _MARGIN if self.at.kind == "t" else 0.0
        return f"(key > {bind(self.low + margin)} and key < {bind(self.high - margin)})"


def lookups(query: Query | None) -> list[Lookup] | None:
    """Look-ups whose entities, taken together, hold all that match; None when no index can tell."""
    if query is None:
        return None
    if isinstance(query, Condition):
        return _of_condition(query)
    parts = [lookups(part) for part in query.parts]
    known = [part for part in parts if part is not None]
    if isinstance(query, All):
        return min(known, key=width) if known else None
    return [item for part in known for item in part] if len(known) == len(parts) else None


def width(found: list[Lookup]) -> int:
    """0 when all are equalities."""
    return sum(item.text is None and item.low != item.high for item in found)


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
            await connection.execute("vacuum (analyze) fact")  # or plans are those for an empty table for a while
        finally:
            await connection.execute(sql["unclaim"])
    database.indexes_due = 0.0


async def _fill(connection: asyncpg.Connection, no: int) -> None:
    """Takes entities in the order in which writers lock them, a few at a time."""
    sql = statements("indexes")
    tenant, last = 0, ""
    while True:
        async with connection.transaction():
            await connection.execute(sql["by_index"])
            rows = await connection.fetch(sql["next"], tenant, last)
            await connection.execute(sql["fill"], no, [row["no"] for row in rows])
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
    found = Lookup(asked, low, high)
    if found.exact and sign == ">":
        return Lookup(asked, nextafter(low, inf), high)
    if found.exact and sign == "<":
        return Lookup(asked, low, nextafter(high, -inf))
    return found


def _key(literal: Literal, side: int) -> float:
    if literal.kind == "dateTime":  # a little wide
        return datetime.fromisoformat(literal.value).timestamp() + side * _MARGIN
    return float(literal.value)
