"""Which entities a question about the past finds: the query for entities, held against history instead of the present.

The clauses of `compile` see a derived table named `entity` whose columns say what was: for a temporal query the
instances of its time range (5.7.4), for time travel what was so at an instant.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from broker.store import compile, history, ordering
from broker.store.db import Database
from broker.store.tenants import find_terms
from ngsi.query.entities import EntityQuery
from ngsi.query.q import attributes_of
from ngsi.query.temporal import TemporalQuery
from ngsi.terms import CORE, SCOPE

_LOCATION: Final = CORE + "location"
_COLUMNS: Final = "e.tenant, e.no, e.id, e.scopes, e.modified_at"
_SHAPE: Final = "ST_SetSRID(ST_GeomFromGeoJSON({document} -> {iri} -> 0 -> 'value'), 4326)"
_ITEM: Final = "select instance_json(h) as item, h.deleted from history h where h.entity = e.no and"
_STANDING: Final = "select instance_json(h) as item, h.deleted from standing(e.no, t.no, d.no, e.created_at, {at}) h"
# deleted entities stand beside the others, each in an arm that has indexes of its own
_EVER: Final = ("e.deleted_at is null", "e.deleted_at is not null")


async def evolutions(
    database: Database, tenant: int, query: EntityQuery, temporal: TemporalQuery, *, aggregated: bool = False
) -> list[history.Known]:
    """The page of entities that have instances in the time range and match `query` there, and one more if any.

    `aggregated`: those of which only roll-ups are left are among them.
    """
    return await _page(database, query, tenant, _Window(temporal, query, aggregated))


async def count_evolutions(
    database: Database, tenant: int, query: EntityQuery, temporal: TemporalQuery, *, aggregated: bool = False
) -> int:
    return await _count(database, query, tenant, _Window(temporal, query, aggregated))


async def as_of(database: Database, tenant: int, query: EntityQuery, instant: datetime) -> list[history.Known]:
    """The page of entities that were there at `instant` and matched `query` then, and one more if any."""
    return await _page(database, query, tenant, _Instant(instant, query))


async def count_as_of(database: Database, tenant: int, query: EntityQuery, instant: datetime) -> int:
    return await _count(database, query, tenant, _Instant(instant, query))


class _Window:
    """Entities with instances in a time range; `attributes` holds those that q speaks of."""

    def __init__(self, temporal: TemporalQuery, query: EntityQuery, aggregated: bool) -> None:
        self._temporal = temporal
        self._query = query
        self._rolled = aggregated and temporal.property == "observedAt" and temporal.relation is not None

    def arms(self, where: Any, database: Database) -> list[str]:
        numbers = _numbers(database, _asked(self._query))
        bounds = self._bounds(where)
        document = "'{}'::jsonb"
        if numbers:
            document = _document(where.bind(numbers), self._rows(bounds))
        only = ""
        if self._query.attributes:
            only = f"and h.attribute = any({where.bind(_numbers(database, self._query.attributes))}::integer[])"
        # `offset 0` keeps it a look-up for each entity: the planner would rather read the whole history
        present = f"exists (select from history h where h.entity = e.no and {bounds} {only} offset 0)"
        if self._rolled:
            present += (
                f" or exists (select from rollup h where h.entity = e.no and {self._whole(where)} {only} offset 0)"
            )
        columns = (
            f"select {_COLUMNS}, e.types, e.created_at, e.deleted_at as gone_at, e.attributes as shown, "
            "null::timestamptz as deleted_at, null::timestamptz as expires_at, d.attributes, "
            f"{_SHAPE.format(document='d.attributes', iri=where.bind(_LOCATION))} as location"
        )
        lateral = f"cross join lateral (select {document} as attributes) d"
        return [f"{columns} from entity e {lateral} where {there} and ({present})" for there in _EVER]

    def scopes(self, where: Any, number: str) -> str:
        """Scopes of `entity` that held at some time of the range (4.19, C.5.16); else the first that is known."""
        axis, _ = history.window(self._temporal)
        held = f"select h.* from history h where h.entity = entity.no and h.attribute = {number} and h.dataset = 0"
        inside = f"{held} and {self._bounds(where, 'not h.deleted')}"
        known = f"({inside})"
        if self._temporal.start is not None:
            start = where.bind(self._temporal.start)
            earlier = f"{held} and h.{axis} < {start} order by h.{axis} desc limit 1"
            known += f" union all (select * from ({earlier}) h where not h.deleted)"
        first = f"{held} and not h.deleted order by h.{axis} limit 1"
        return f"{known} union all (select * from ({first}) h where not exists ({known}))"

    def _bounds(self, where: Any, condition: str = "") -> str:
        axis, having = history.window(self._temporal)
        parts = [condition or having]
        if self._temporal.start is not None:
            parts.append(f"h.{axis} >= {where.bind(self._temporal.start)}")
        if self._temporal.end is not None:
            parts.append(f"h.{axis} < {where.bind(self._temporal.end)}")
        return " and ".join(parts)

    def _whole(self, where: Any) -> str:
        """The buckets of roll-ups that lie in the range."""
        start, end = self._temporal.start, self._temporal.end
        since = f"h.start >= {where.bind(start)}" if start is not None else "true"
        until = f"h.start + h.seconds * interval '1 second' <= {where.bind(end)}" if end is not None else "true"
        return f"{since} and {until}"

    def _rows(self, bounds: str) -> str:
        """The instances of one attribute in the range; when there is none, the one in force, or the first known."""
        inside = f"{_ITEM} h.attribute = t.no and {bounds}"
        other = f"{_ITEM} h.attribute = t.no and h.dataset = 0 and not h.deleted and"
        end = bounds.rpartition(" < ")[2] if self._temporal.end is not None else "'infinity'::timestamptz"
        nearest = (
            f"select 0 as rank, * from ({other} h.at < {end} order by h.at desc limit 1) h "
            f"union all select 1 as rank, * from ({other} h.at >= {end} order by h.at limit 1) h"
        )
        return (
            f"({inside}) union all (select item, deleted from ({nearest}) h where not exists ({inside}) "
            "order by rank limit 1)"
        )


class _Instant:
    """Entities as they were at an instant; `attributes` holds those that the question speaks of."""

    def __init__(self, instant: datetime, query: EntityQuery) -> None:
        self._instant = instant
        self._query = query

    def arms(self, where: Any, database: Database) -> list[str]:
        at = where.bind(self._instant)
        numbers = _numbers(database, {*_asked(self._query), *self._query.attributes})
        document = "'{}'::jsonb"
        if numbers:
            document = _document(where.bind(numbers), _STANDING.format(at=at), datasets=True)
        known = f"(e.created_at <= {at} or exists (select from history h where h.entity = e.no and h.at <= {at}))"
        columns = (
            f"select {_COLUMNS}, null::timestamptz as gone_at, e.attributes as shown, null::timestamptz as deleted_at, "
            f"null::timestamptz as expires_at, d.attributes, "
            f"{_SHAPE.format(document='d.attributes', iri=where.bind(_LOCATION))} as location"
        )
        lateral = f"cross join lateral (select {document} as attributes) d"
        return [
            f"{columns}, e.types, e.created_at from entity e {lateral} where e.deleted_at is null and {known} "
            f"and (e.expires_at is null or e.expires_at > {at}) "
            f"and not exists (select from life l where l.entity = e.no and l.until > {at})",
            f"{columns}, l.types, l.created_at "
            f"from (select distinct on (entity) * from life where until > {at} order by entity, until) l "
            f"join entity e on e.no = l.entity {lateral} "
            f"where not l.deleted and (l.created_at <= {at} or {known})",
        ]

    def scopes(self, where: Any, number: str) -> str:
        """The scopes of `entity` then."""
        at = where.bind(self._instant)
        return f"select h.* from standing(entity.no, {number}, 0, entity.created_at, {at}) h"


def _document(numbers: str, rows: str, *, datasets: bool = False) -> str:
    """Attributes `numbers` of entity e as entity.attributes would hold them, from the history rows `rows`."""
    source = f"({rows}) h"
    if datasets:
        past = "select p.dataset from past_series p where p.entity = e.no and p.attribute = t.no"
        named = (
            "select d.no from jsonb_array_elements(e.attributes -> t.iri) i join term d on d.iri = i ->> 'datasetId'"
        )
        source = f"(select 0 union {past} union {named}) d(no) cross join lateral ({rows}) h"
    return (
        "(select coalesce(jsonb_object_agg(t.iri, i.instances), '{}') from term t cross join lateral "
        f"(select jsonb_agg(h.item) as instances from {source} where not h.deleted) i "
        f"where t.no = any({numbers}::integer[]) and i.instances is not null)"
    )


def _asked(query: EntityQuery) -> set[str]:
    """The attributes that the filters and the order look into."""
    asked = set(attributes_of(query.q)) if query.q is not None else set()
    if query.order is not None:
        asked |= {term.path.attributes[0] for term in query.order.terms if term.path.attributes}
    return asked | ({query.geo.geoproperty} if query.geo is not None else set())


def _numbers(database: Database, iris: Iterable[str]) -> list[int]:
    return sorted(database.terms.get(iri, -1) for iri in iris)


async def _prepared(
    database: Database, query: EntityQuery, tenant: int, past: _Window | _Instant
) -> tuple[Any, list[str], str]:
    """The values bound, the tables to select from, and the conditions on them."""
    await find_terms(database, {*_asked(query), *query.attributes, SCOPE})
    # a temporal query looks for its attributes in the time range itself
    attributes = () if isinstance(past, _Window) else query.attributes
    where = compile.conditions(replace(query, attributes=attributes, scopes=None), tenant)
    if query.scopes is not None:
        number = f"{where.bind(database.terms.get(SCOPE, -1))}::integer"
        held = f"select array(select jsonb_array_elements_text(h.json)) as scopes from ({past.scopes(where, number)}) h"
        where.clauses.append(f"exists (select from ({held}) entity where {compile.scopes(query.scopes, where)})")
    return where, past.arms(where, database), " and ".join(where.clauses)


async def _page(database: Database, query: EntityQuery, tenant: int, past: _Window | _Instant) -> list[history.Known]:
    if query.order is not None:
        await ordering.provide_collation(database, query.order.collation)
    where, tables, conditions = await _prepared(database, query, tenant, past)
    columns = "no, id, types, created_at, modified_at, gone_at as deleted_at, shown as attributes"
    page = f"limit {where.bind(query.page.limit + 1)} offset {where.bind(query.page.offset)}"
    if query.order is None:
        # each arm is ordered and cut by itself, so that it stops when it has enough
        most = where.bind(query.page.offset + query.page.limit + 1)
        arms = " union all ".join(
            f"(select {columns} from ({table}) entity where {conditions} order by no limit {most})" for table in tables
        )
        sql = f"select * from ({arms}) found order by no {page}"
    else:
        joins, keys = ordering.clauses(query.order, where)
        every = " union all ".join(tables)
        order = ", ".join([*keys, "no"])
        sql = f"select {columns} from ({every}) entity {joins} where {conditions} order by {order} {page}"
    return await history.with_series(database, await database.readers.fetch(sql, *where.values))


async def _count(database: Database, query: EntityQuery, tenant: int, past: _Window | _Instant) -> int:
    where, tables, conditions = await _prepared(database, query, tenant, past)
    counts = " + ".join(f"(select count(*) from ({table}) entity where {conditions})" for table in tables)
    return int(await database.readers.fetchval(f"select {counts}", *where.values))
