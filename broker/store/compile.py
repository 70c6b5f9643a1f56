"""The query for entities as SQL: clauses composed in one visible order, values always bound."""

from collections.abc import Callable
from typing import Any, Final

from broker.store import ordering
from broker.store.candidates import Candidates, Ready, bounds, choose, narrow, spatial
from broker.store.jsonpath import instances, jsonpath
from ngsi.query.boolean import All, Any_, Node, T
from ngsi.query.entities import EntityQuery, EntitySelector
from ngsi.query.geo import GeoQuery
from ngsi.query.q import Condition, Literal, Path, Query, Range
from ngsi.query.scope import ScopePattern, ScopeQuery

_COLUMNS: Final = ", ".join(
    f"entity.{name}" for name in ("id", "types", "scopes", "attributes", "created_at", "modified_at", "expires_at")
)
_TIMES: Final = {"createdAt": "created_at", "modifiedAt": "modified_at", "expiresAt": "expires_at"}
_SIGNS: Final = {"==": "=", "!=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LIVE: Final = "{0}.deleted_at is null and ({0}.expires_at is null or {0}.expires_at > now())"


class Where:
    """Conditions on the table (or a derived one) named `entity`, joined by and, with the values bound to them."""

    def __init__(self, *, often: bool = False) -> None:
        """`often`: let the planner take q for something that many entities fulfil."""
        self.often = often
        self.values: list[Any] = []
        self.clauses: list[str] = []
        self._aliases = 0

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def alias(self) -> str:
        """A name for one more table of the statement."""
        self._aliases += 1
        return f"l{self._aliases}"

    def __str__(self) -> str:
        return " and ".join(self.clauses)


def entities(query: EntityQuery, tenant: int, ready: Ready | None = None) -> tuple[str, list[Any]]:
    """The page of entities that `query` asks for, in its order, else the oldest first.

    With the asked paths that are `ready`, candidates alone are looked at when they are few: the server sees that and
    takes one of two ways.
    """
    return _page(_COLUMNS, query, tenant, ready)


def versions(query: EntityQuery, tenant: int, ready: Ready | None = None) -> tuple[str, list[Any]]:
    """The same page, only the ids and modifiedAt: a third of the cost, for most of it is writing documents."""
    return _page("entity.id, entity.modified_at", query, tenant, ready)


def _page(columns: str, query: EntityQuery, tenant: int, ready: Ready | None) -> tuple[str, list[Any]]:
    candidates = None if ready is None else choose(query, ready)
    where = conditions(query, tenant, now=True, often=candidates is not None)
    joins, keys = ordering.clauses(query.order, where) if query.order else ("", [])
    order = ", ".join([*keys, "entity.no"])
    page = f"order by {order} limit {where.bind(query.page.limit)} offset {where.bind(query.page.offset)}"
    walk = f"select {columns} from entity {joins} where {where}"
    if candidates is None:
        return f"{walk} {page}", where.values
    number = "(select count(*) from probe)"
    look = f"select {columns} from {_of_candidates(candidates, joins, tenant, where)}"
    return (
        f"with probe as materialized ({candidates.rows(where, candidates.few + 1)}) "
        f"({look} and {number} <= {candidates.few} {page}) union all ({walk} and {number} > {candidates.few} {page})"
    ), where.values


def _of_candidates(candidates: Candidates, joins: str, tenant: int, where: Where) -> str:
    """What to select from and what must hold; those in doubt are asked for everything."""
    clauses = [*_columns(candidates.rest, tenant, where, now=True), *_documents(candidates.rest, tenant, where)]
    if candidates.doubt is not None:
        clauses.append(f"(f.sure or {_q(candidates.doubt, 'entity', tenant, where)})")
    once = "(select entity, bool_or(sure) as sure from probe group by entity) f"
    return f"{once} join entity on entity.no = f.entity {joins} where {' and '.join(clauses)}"


def count(query: EntityQuery, tenant: int, ready: Ready | None = None) -> tuple[str, list[Any]]:
    """How many entities match, whatever the page."""
    return _all("count(*)", "", query, tenant, ready)


def ids(query: EntityQuery, tenant: int, ready: Ready | None = None) -> tuple[str, list[Any]]:
    """The ids of all that match, whatever the page."""
    return _all("entity.id", "order by entity.no", query, tenant, ready)


def _all(columns: str, order: str, query: EntityQuery, tenant: int, ready: Ready | None) -> tuple[str, list[Any]]:
    where = Where()
    narrowed, left = ([], query) if ready is None else narrow(query, ready)
    clauses = _columns(left, tenant, where, now=True)
    if narrowed:  # an array, for the planner cannot know how many they are: by index is never much too dear
        among = " intersect ".join(f"select entity from ({rows(where, None)}) c" for rows in narrowed)
        clauses.append(f"entity.no = any(array({among}))")
    documents = _documents(left, tenant, where)
    source = "entity"
    if narrowed and documents:  # `offset 0`: documents are read last, of what all else has left
        source, clauses = f"(select * from entity where {' and '.join(clauses)} offset 0) entity", documents
    else:
        clauses += documents
    return f"select {columns} from {source} where {' and '.join(clauses)} {order}", where.values


def conditions(query: EntityQuery, tenant: int, *, now: bool = False, often: bool = False) -> Where:
    """The clauses of `query` over the columns of `entity`, and the values bound to them.

    `now`: it is the table itself, so that the places beside it tell where things are. `often`: see Where.
    """
    where = Where(often=often)
    where.clauses += [*_columns(query, tenant, where, now=now), *_documents(query, tenant, where)]
    return where


def _columns(query: EntityQuery, tenant: int, where: Where, *, now: bool) -> list[str]:
    """What is told without the document."""
    clauses = [f"entity.tenant = {where.bind(tenant)}", _LIVE.format("entity")]
    if query.selectors:
        clauses.append("(" + " or ".join(_selector(item, where) for item in query.selectors) + ")")
    if query.scopes is not None:
        clauses.append(scopes(query.scopes, where))
    if query.geo is not None:
        clauses.append(_place(query.geo, where) if now else _geo(query.geo, where))
    return clauses


def _documents(query: EntityQuery, tenant: int, where: Where) -> list[str]:
    """What is told by the document."""
    clauses = []
    if query.attributes:
        clauses.append(f"entity.attributes ?| {where.bind(list(query.attributes))}::text[]")
    if query.q is not None:
        clauses.append(_q(query.q, "entity", tenant, where))
    return clauses


def scopes(query: ScopeQuery, where: Where) -> str:
    """The scope query as a condition on `entity.scopes`."""
    return _tree(query, lambda pattern: _scope(pattern, where))


def _tree(node: Node[T], term: Callable[[T], str]) -> str:
    if isinstance(node, All | Any_):
        word = " or " if isinstance(node, Any_) else " and "
        return "(" + word.join(_tree(part, term) for part in node.parts) + ")"
    return term(node)


def _selector(selector: EntitySelector, where: Where) -> str:
    clauses = []
    if selector.ids:
        clauses.append(f"entity.id = any({where.bind(list(selector.ids))}::text[])")
    if selector.types is not None:
        clauses.append(_types(selector.types, where))
    if selector.id_pattern is not None:
        clauses.append(f"entity.id ~ {where.bind(selector.id_pattern.canonical)}")
    return " and ".join(clauses) or "true"


def _types(node: Node[str], where: Where) -> str:
    if isinstance(node, Any_) and all(isinstance(part, str) for part in node.parts):
        return f"entity.types && {where.bind(list(node.parts))}::text[]"
    if isinstance(node, All | Any_):
        word = " or " if isinstance(node, Any_) else " and "
        return "(" + word.join(_types(part, where) for part in node.parts) + ")"
    return f"entity.types @> {where.bind([node])}::text[]"


def _scope(pattern: ScopePattern, where: Where) -> str:
    if pattern.scope is not None:
        return f"coalesce(entity.scopes @> {where.bind([pattern.scope])}::text[], false)"
    return f"exists (select from unnest(entity.scopes) s where s ~ {where.bind(pattern.regex)})"


def _q(node: Query, alias: str, tenant: int, where: Where) -> str:
    """Conditions on attributes go together into one path; times of the entity and linked entities stand apart."""
    if _is_path(node):
        path = f"{where.bind(jsonpath(node))}::jsonpath"
        # the same test; the planner takes the operator for one in a hundred, the function for one in three
        return (
            f"jsonb_path_match({alias}.attributes, {path}, '{{}}', true)"
            if where.often
            else (f"{alias}.attributes @@ {path}")
        )
    if isinstance(node, All | Any_):
        paths = tuple(part for part in node.parts if _is_path(part))
        parts = [part for part in node.parts if not _is_path(part)]
        if paths:
            parts.append(paths[0] if len(paths) == 1 else type(node)(paths))
        word = " or " if isinstance(node, Any_) else " and "
        return "(" + word.join(_q(part, alias, tenant, where) for part in parts) + ")"
    if node.operator == "!":
        return f"not {_q(Condition(node.path), alias, tenant, where)}"
    if node.path.links:
        return _linked(node, alias, tenant, where)
    return _entity_time(node, alias, where)


def _is_path(node: Query) -> bool:
    if isinstance(node, All | Any_):
        return all(_is_path(part) for part in node.parts)
    return bool(node.path.attributes) and not node.path.links


def _linked(condition: Condition, alias: str, tenant: int, where: Where) -> str:
    """A condition on the entities that a Relationship of `alias` points to."""
    link, *rest = condition.path.links
    other, target = where.alias(), where.alias()
    path = condition.path
    inner = Condition(
        Path(path.attributes, path.member, path.keys, tuple(rest)), condition.operator, condition.operands
    )
    place = instances((link.attribute,))
    targets = " union all ".join(
        f"select jsonb_path_query({alias}.attributes, {where.bind(place + objects)}::jsonpath) #>> '{{}}' as id"
        for objects in (".object[*]", ".objectList.object[*]")
    )
    clauses = [f"{other}.tenant = {where.bind(tenant)}", f"{other}.id = {target}.id", _LIVE.format(other)]
    if link.types:
        clauses.append(f"{other}.types && {where.bind(list(link.types))}::text[]")
    clauses.append(_q(inner, other, tenant, where))
    # `offset 0` keeps it a look-up for each target: the server expects a thousand of them where there is one
    found = f"select from entity {other} where {' and '.join(clauses)} offset 0"
    return f"exists (select from ({targets}) {target}, lateral ({found}) {where.alias()})"


def _entity_time(condition: Condition, alias: str, where: Where) -> str:
    """createdAt, modifiedAt or expiresAt of the entity: instants, so only a DateTime can be equal to them."""
    column = f"{alias}.{_TIMES[condition.path.member or 'createdAt']}"
    if condition.operator is None:
        return f"{column} is not null"
    if condition.operator not in _SIGNS:
        return "false"
    sign = _SIGNS[condition.operator]
    tests = [_instant_test(column, sign, operand, where) for operand in condition.operands]
    passed = f"({' or '.join(tests)})"
    return f"({column} is not null and {'not ' if condition.operator == '!=' else ''}{passed})"


def _instant_test(column: str, sign: str, operand: Literal | Range, where: Where) -> str:
    if isinstance(operand, Range):
        low, high = (_instant_test(column, *side, where) for side in ((">=", operand.low), ("<=", operand.high)))
        return f"({low} and {high})"
    if operand.kind != "dateTime":
        return "false"
    return f"{column} {sign} {where.bind(operand.value)}::text::timestamptz"


def _geo(query: GeoQuery, where: Where) -> str:
    """Any instance of the GeoProperty may hold."""
    place = f'{instances((query.geoproperty,))} ? (@.type == "GeoProperty").value'
    values = f"jsonb_path_query(entity.attributes, {where.bind(place)}::jsonpath) g(value)"
    return f"exists (select from {values} where {spatial(query, 'shape_of(g.value)', where)})"


def _place(query: GeoQuery, where: Where) -> str:
    # `offset 0` keeps it a look-up for each entity: the candidates, when they are few, are known already
    named = f"select * from place p where p.entity = entity.no and p.attribute = {where.bind(query.geoproperty)}"
    return (
        f"exists (select from ({named} offset 0) p where {bounds(query, where)} and {spatial(query, 'p.shape', where)})"
    )
