"""The query for entities as SQL: clauses composed in one visible order, values always bound."""

from typing import Any, Final

from broker.store.jsonpath import jsonpath, strings_path
from ngsi.geometry import ewkb
from ngsi.query.boolean import All, Any_
from ngsi.query.entities import EntityQuery, EntitySelector
from ngsi.query.geo import GeoQuery
from ngsi.query.q import Condition, Literal, Query
from ngsi.query.types import TypeSelection
from ngsi.terms import CORE

_COLUMNS: Final = "id, types, scopes, attributes, created_at, modified_at, expires_at"
_TIMES: Final = {"createdAt": "created_at", "modifiedAt": "modified_at", "expiresAt": "expires_at"}
_GEOGRAPHIC: Final = {
    "within": "ST_Within",
    "contains": "ST_Contains",
    "intersects": "ST_Intersects",
    "disjoint": "ST_Disjoint",
    "equals": "ST_Equals",
    "overlaps": "ST_Overlaps",
}


class _Where:
    """Conditions joined by and, with the values bound to them."""

    def __init__(self, tenant: int) -> None:
        self.values: list[Any] = []
        self.clauses = [
            f"tenant = {self.bind(tenant)}",
            "deleted_at is null",
            "(expires_at is null or expires_at > now())",
        ]

    def bind(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def entities(query: EntityQuery, tenant: int) -> tuple[str, list[Any]]:
    """The page of entities that `query` asks for."""
    where = conditions(query, tenant)
    page = f"limit {where.bind(query.page.limit)} offset {where.bind(query.page.offset)}"
    return f"select {_COLUMNS} from entity where {' and '.join(where.clauses)} order by no {page}", where.values


def count(query: EntityQuery, tenant: int) -> tuple[str, list[Any]]:
    """How many entities match, whatever the page."""
    where = conditions(query, tenant)
    return f"select count(*) from entity where {' and '.join(where.clauses)}", where.values


def conditions(query: EntityQuery, tenant: int) -> _Where:
    """The clauses of `query` over the columns of table entity, and the values bound to them."""
    where = _Where(tenant)
    if query.selectors:
        where.clauses.append("(" + " or ".join(_selector(item, where) for item in query.selectors) + ")")
    if query.attributes:
        where.clauses.append(f"attributes ?| {where.bind(list(query.attributes))}::text[]")
    if query.q is not None:
        where.clauses.append(_q(query.q, where))
    if query.geo is not None:
        where.clauses.append(_geo(query.geo, where))
    return where


def _selector(selector: EntitySelector, where: _Where) -> str:
    clauses = ["true"]
    if selector.ids:
        clauses.append(f"id = any({where.bind(list(selector.ids))}::text[])")
    if selector.types is not None:
        clauses.append(_types(selector.types, where))
    if selector.id_pattern is not None:
        clauses.append(f"id ~ {where.bind(selector.id_pattern.canonical)}")
    return " and ".join(clauses)


def _types(node: TypeSelection, where: _Where) -> str:
    if isinstance(node, str):
        return f"types @> {where.bind([node])}::text[]"
    if isinstance(node, Any_) and all(isinstance(part, str) for part in node.parts):
        return f"types && {where.bind(list(node.parts))}::text[]"
    word = " or " if isinstance(node, Any_) else " and "
    return "(" + word.join(_types(part, where) for part in node.parts) + ")"


def _q(node: Query, where: _Where) -> str:
    if isinstance(node, All | Any_):
        word = " or " if isinstance(node, Any_) else " and "
        return "(" + word.join(_q(part, where) for part in node.parts) + ")"
    if not node.path.attributes:
        return _entity_time(node, where)
    if node.operator in ("~=", "!~="):
        return _pattern(node, where)
    return f"coalesce(jsonb_path_match(attributes, {where.bind(jsonpath(node))}::text::jsonpath, '{{}}', true), false)"


def _entity_time(node: Condition, where: _Where) -> str:
    column = _TIMES.get(node.path.member or "", "created_at")
    if node.operator is None or not node.operands or not isinstance(node.operands[0], Literal):
        return f"{column} is not null"
    operator = {"==": "=", "!=": "<>"}.get(node.operator, node.operator)
    if operator not in ("=", "<>", "<", ">", "<=", ">=") or node.operands[0].kind != "dateTime":
        return "false"
    return f"{column} {operator} {where.bind(node.operands[0].value)}::text::timestamptz"


def _pattern(node: Condition, where: _Where) -> str:
    operand = node.operands[0]
    pattern = where.bind(operand.value.canonical if isinstance(operand, Literal) else "")
    values = f"jsonb_path_query(attributes, {where.bind(strings_path(node.path))}::text::jsonpath, '{{}}', true)"
    found = f"exists (select from {values} v where jsonb_typeof(v) = 'string' and v #>> '{{}}' ~ {pattern})"
    if node.operator == "~=":
        return found
    return f"({_q(Condition(node.path), where)} and not {found})"


def _geo(query: GeoQuery, where: _Where) -> str:
    shape = f"ST_GeomFromEWKB({where.bind(ewkb(query.geometry))})"
    column = "location"
    if query.geoproperty != CORE + "location":
        column = f"ST_SetSRID(ST_GeomFromGeoJSON(attributes -> {where.bind(query.geoproperty)} -> 0 -> 'value'), 4326)"
    if query.relation != "near":
        return f"{column} is not null and {_GEOGRAPHIC[query.relation]}({column}, {shape})"
    if query.max_distance is not None:
        return f"ST_DWithin({column}::geography, {shape}::geography, {where.bind(query.max_distance)})"
    return (
        f"{column} is not null and not "
        f"ST_DWithin({column}::geography, {shape}::geography, {where.bind(query.min_distance)})"
    )
