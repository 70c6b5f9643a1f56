"""The order of entities as SQL (GS CIM 009, 4.23), and the ICU collations it needs."""

from typing import TYPE_CHECKING, Final

import asyncpg

from broker.store.db import Database
from broker.store.jsonpath import COMPOUND, quote
from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.geometry import ewkb
from ngsi.query.order import ROOT_COLLATION, Ordering, OrderTerm
from ngsi.query.q import Path

if TYPE_CHECKING:
    from broker.store.compile import Where

_MEMBERS: Final = {
    "id": "entity.id",
    "type": "entity.types[1]",
    "scope": "entity.scopes[1]",
    "createdAt": "entity.created_at",
    "modifiedAt": "entity.modified_at",
    "expiresAt": "entity.expires_at",
}
_TEXTS: Final = frozenset({"id", "type", "scope"})
_DEFAULT: Final = " ? (!exists(@.datasetId))"
_PREFIX: Final = "ngsi-"
_MOST_COLLATIONS: Final = 100


def clauses(order: Ordering, where: "Where") -> tuple[str, list[str]]:
    """What `from entity e` is joined with, and the sort keys."""
    joins: list[str] = []
    keys: list[str] = []
    collation = f'"{collation_name(order.collation)}"'
    for term in order.terms:
        direction = "desc" if term.descending else "asc"
        if not term.path.attributes:
            member = term.path.member or "id"
            collated = f" collate {collation}" if member in _TEXTS else ""
            keys.append(f"{_MEMBERS[member]}{collated} {direction} nulls last")
            continue
        place = where.alias()
        # `offset 0`: each is computed once, however often it is used
        joins.append(
            f"cross join lateral (select i, v, order_rank(v) as rank "
            f"from (select {_instance(term.path, where)} as i offset 0) a "
            f"cross join lateral (select {_value(term.path, where)} as v offset 0) b offset 0) {place}"
        )
        keys += _distance(term, order, place, where) + _by_value(place, direction, collation)
    return " ".join(joins), keys


def collation_name(tag: str) -> str:
    return "und-x-icu" if tag == ROOT_COLLATION else _PREFIX + tag


async def provide_collation(database: Database, tag: str) -> None:
    """Makes the collation known to the database. Raises BadRequestData when ICU knows no such thing."""
    if tag == ROOT_COLLATION or tag in database.collations:
        return
    async with database.writers.acquire() as connection:
        known = await connection.fetch("select collname from pg_collation where starts_with(collname, $1)", _PREFIX)
        names = {row["collname"] for row in known}
        if collation_name(tag) not in names:
            if len(names) >= _MOST_COLLATIONS:
                raise TooComplexQuery(f"collation: {_MOST_COLLATIONS} different ones are in use already")
            await _create(connection, tag)
    database.collations.add(tag)


async def _create(connection: asyncpg.Connection, tag: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("set local icu_validation_level = error")
            await connection.execute(
                f'create collation if not exists "{collation_name(tag)}" '
                f"(provider = icu, locale = '{tag}', deterministic = false)"
            )
    except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
        pass  # another process was first
    except asyncpg.PostgresError:
        raise BadRequestData(f"collation: ICU knows no {shown(tag)} (RFC 6067)") from None


def _instance(path: Path, where: "Where") -> str:
    """The default instance of the attribute, else the first one."""
    default = "$" + "".join(f".{quote(iri)}[*]{_DEFAULT}" for iri in path.attributes)
    first = "$" + "".join(f".{quote(iri)}[*]" for iri in path.attributes)
    both = (f"jsonb_path_query_first(entity.attributes, {where.bind(item)}::jsonpath)" for item in (default, first))
    return f"coalesce({', '.join(both)})"


def _value(path: Path, where: "Where") -> str:
    if path.member is not None:
        return f"i -> {where.bind(path.member)}::text"
    if path.keys:
        places = (where.bind([bearer, *path.keys]) for bearer in COMPOUND)
        return f"coalesce({', '.join(f'i #> {place}::text[]' for place in places)})"
    return "order_value(i)"


def _distance(term: OrderTerm, order: Ordering, place: str, where: "Where") -> list[str]:
    """By distance on the sphere; what is no GeoProperty comes after, by its value."""
    if not term.by_distance or order.origin is None:
        return []
    origin = f"valid_shape(ST_GeomFromEWKB({where.bind(ewkb(order.origin))}))::geography"
    distance = (
        f"case when {place}.i ->> 'type' = 'GeoProperty' "
        f"then ST_Distance(shape_of({place}.i -> 'value')::geography, {origin}, false) end"
    )
    return [f"{distance} {'desc' if term.descending else 'asc'} nulls last"]


def _by_value(place: str, direction: str, collation: str) -> list[str]:
    """By the type of the value, which no direction turns round, then within the type."""
    text = f"{place}.v #>> '{{}}'"
    return [
        f"{place}.rank",
        f"case when {place}.rank = 0 then ({text})::numeric end {direction}",
        f"case when {place}.rank in (1, 5, 6) then {text} end collate {collation} {direction}",
        f"case when {place}.rank = 7 then ({text})::timestamptz end {direction}",
        f"case when {place}.rank in (2, 3, 4) then {place}.v end {direction}",
    ]
