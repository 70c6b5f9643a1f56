"""What selects and orders entities, as one question (GS CIM 009, 5.7.2, 6.4.3.2): parameters of GET, body of POST."""

from collections.abc import Mapping
from typing import Any, Final

from broker.api import http
from broker.settings import Settings
from ngsi import names
from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.jsonld import Context
from ngsi.naming import attribute_in
from ngsi.query.entities import EntityQuery, EntitySelector, Page
from ngsi.query.geo import GeoQuery, parse_geo
from ngsi.query.order import Ordering, parse_order
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import Query, attributes_of, link_depth, parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import EVERY_TYPE, parse_types
from ngsi.query.written import parse_written
from ngsi.terms import SYSTEM_MEMBERS

PAGE: Final = frozenset({"limit", "offset", "count"})
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")
FILTERS: Final = frozenset(
    {"id", "type", "idPattern", "attrs", "q", "scopeQ", "csf", "expandValues", "jsonKeys", "local", *_GEO}
)
ORDER: Final = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
PARAMETERS: Final = FILTERS | PAGE | ORDER

_SYSTEM: Final = SYSTEM_MEMBERS | {"expiresAt", "scope"}
_JOINS: Final = ("flat", "inline")
_MOST_SELECTORS: Final = 100
_MOST_IDS: Final = 10_000
_SELECTOR: Final = frozenset({"id", "type", "idPattern", "@id", "@type"})
_ORDERING: Final = frozenset({"orderBy", "collation", "coordinates", "geometry"})
_GEO_QUERY: Final = frozenset({*_GEO, "type", "@type"})
_KINDS: Final[dict[type, str]] = {str: "strings", dict: "objects"}


def question(settings: Settings, given: Mapping[str, str], context: Context) -> EntityQuery:
    """The parameters of a GET. Raises BadRequestData, TooComplexQuery."""
    _check_csf(given.get("csf"), context)
    selector = _selector(given, context)
    query = EntityQuery(
        selectors=() if selector == EntitySelector() else (selector,),
        attributes=attribute_names(given, context),
        q=_q(given, context),
        # geoproperty alone says nothing (table 6.4.3.2-1)
        geo=_geo(given, context) if given.keys() & {"georel", "geometry", "coordinates"} else None,
        scopes=parse_scopes(given["scopeQ"]) if "scopeQ" in given else None,
        order=_order(given, "orderBy", "orderFrom", "orderGeometry", context),
        page=page(settings, given),
        local=_local(given, [given.get("type")]),
    )
    return query if settings.wide_queries else _not_too_wide(query)


def question_of_body(settings: Settings, given: Mapping[str, str], body: Any, context: Context) -> EntityQuery:
    """The Query of a POST (5.2.23); the page, `local` and `join` may be parameters. Raises BadRequestData,
    TooComplexQuery."""
    if not isinstance(body, dict):
        raise BadRequestData(f"a Query is a JSON object, not {shown(body)}")
    if body.get("type", body.get("@type")) != "Query":
        raise BadRequestData(f"type: {shown(body.get('type'))} is not 'Query' (5.2.23)")
    entities = _list(body, "entities", dict)
    if len(entities) > _MOST_SELECTORS:
        raise TooComplexQuery(f"entities: more than {_MOST_SELECTORS} selectors")
    selectors = tuple(_selector_of_body(item, context) for item in entities)
    _check_csf(_text(body, "csf"), context)
    scopes = _text(body, "scopeQ")
    query = EntityQuery(
        selectors=() if EntitySelector() in selectors else selectors,
        attributes=_names(_list(body, "attrs", str), context),
        q=_q({**given, **body}, context, in_body=True),
        geo=geo_of_body(body.get("geoQ"), context),
        scopes=parse_scopes(scopes) if scopes is not None else None,
        order=_order_of_body(body.get("ordering"), context),
        page=page(settings, given),
        local=_local(given, [item.get("type", item.get("@type")) for item in entities]),
    )
    return query if settings.wide_queries else _not_too_wide(query)


def page(settings: Settings, given: Mapping[str, str]) -> Page:
    """limit, offset and count (5.5.9): a limit of 0 goes with count only."""
    count = http.flag(given, "count")
    default = min(settings.default_limit, settings.max_limit)
    limit = http.whole(given, "limit", default, 0 if count else 1, settings.max_limit)
    return Page(limit, http.whole(given, "offset", 0, 0, 999_999_999), count)


def attribute_names(given: Mapping[str, str], context: Context) -> tuple[str, ...]:
    """IRIs of `attrs`, without those that every entity has (createdAt...)."""
    return _names(given["attrs"].split(","), context) if "attrs" in given else ()


def geo_of_body(value: Any, context: Context) -> GeoQuery | None:
    """A GeoQuery of a body (5.2.13); raises BadRequestData."""
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise BadRequestData(f"geoQ: {shown(value)} is not a GeoQuery: an object with georel, geometry, coordinates")
    _know(value, _GEO_QUERY, "geoQ")
    return _geo(value, context)


def _geo(given: Mapping[str, Any], context: Context) -> GeoQuery | None:
    georel, kind, coordinates, geoproperty = (given.get(name) for name in _GEO)
    return parse_geo(georel, kind, coordinates, geoproperty, context)


def _selector(given: Mapping[str, Any], context: Context, *, id_first: bool = False) -> EntitySelector:
    """One EntitySelector (5.2.33), where an id makes a pattern void (`id_first`); in a GET both hold."""
    ids = given.get("id", ())
    ids = ids.split(",") if isinstance(ids, str) else ids
    if not isinstance(ids, list | tuple) or ("id" in given and not ids):
        raise BadRequestData(f"id: {shown(ids)} is neither a URI nor an array of URIs")
    if len(ids) > _MOST_IDS:
        raise TooComplexQuery(f"id: more than {_MOST_IDS} ids")
    types, pattern = _text(given, "type"), _text(given, "idPattern")
    return EntitySelector(
        ids=tuple(names.entity_id(item.strip() if isinstance(item, str) else item) for item in ids),
        types=parse_types(types, context) if types is not None else None,
        id_pattern=parse_pattern(pattern, "idPattern") if pattern is not None and not (id_first and ids) else None,
    )


def _selector_of_body(value: dict[str, Any], context: Context) -> EntitySelector:
    _know(value, _SELECTOR, "entities")
    return _selector({name.removeprefix("@"): item for name, item in value.items()}, context, id_first=True)


def _know(value: Mapping[str, Any], members: frozenset[str], field: str) -> None:
    """Raises BadRequestData for a member that is none: to pass over a misspelt filter would answer more than asked."""
    for name in value:
        if name not in members:
            raise BadRequestData(f"{field}: {shown(name)} is not one of {', '.join(sorted(members))}")


def _local(given: Mapping[str, str], types: list[str | None]) -> bool:
    every = EVERY_TYPE in types
    if every and given.get("local") == "false":
        raise BadRequestData("local: type=* asks this broker only, so local cannot be false (4.17, 5.2.33)")
    return http.flag(given, "local") or every


def _q(given: Mapping[str, Any], context: Context, *, in_body: bool = False) -> Query | None:
    text = _text(given, "q")
    expand_values = _last_names(given, "expandValues", context)
    _last_names(given, "jsonKeys", context)  # values are never expanded, so there is nothing to keep from it
    if text is None:
        return None
    query = parse_written(text, context, expand_values)[1] if in_body else parse_q(text, context, expand_values)
    depth = link_depth(query)
    level = {"joinLevel": str(given.get("joinLevel", 1))}
    joined = http.whole(level, "joinLevel", 1, 1, 100) if depth and given.get("join") in _JOINS else 0
    if depth > joined:
        raise BadRequestData(
            f"q: it follows Relationships {depth} deep, deeper than join and joinLevel ({joined}) allow (5.7.2.4)"
        )
    return query


def _last_names(given: Mapping[str, Any], field: str, context: Context) -> frozenset[str]:
    paths = _list(given, field, str)
    return frozenset(attribute_in(field, path.strip().rpartition(".")[2], context) for path in paths)


def _names(given: list[str], context: Context) -> tuple[str, ...]:
    named = [context.term(name.strip()) for name in given]
    return tuple(attribute_in("attrs", name, context) for name in named if name not in _SYSTEM)


def _order_of_body(value: Any, context: Context) -> Ordering | None:
    if value is None:
        return None
    if not isinstance(value, dict) or "orderBy" not in value:
        raise BadRequestData(f"ordering: {shown(value)} is not an object with orderBy (5.2.43)")
    _know(value, _ORDERING, "ordering")
    return _order(value, "orderBy", "coordinates", "geometry", context)


def _order(given: Mapping[str, Any], terms: str, origin: str, kind: str, context: Context) -> Ordering | None:
    """The ordering whose members have these names: those of a GET and of a body differ."""
    if terms not in given:
        lonely = next((name for name in (origin, kind, "collation") if name in given and name in ORDER), None)
        if lonely is not None:
            raise BadRequestData(f"{lonely}: it needs {terms} (4.23)")
        return None
    return parse_order(
        _list(given, terms, str), context, _text(given, "collation"), given.get(origin), _text(given, kind)
    )


def _check_csf(text: str | None, context: Context) -> None:
    if text is not None:
        parse_q(text, context, field="csf")


def _not_too_wide(query: EntityQuery) -> EntityQuery:
    typed = query.selectors and all(selector.types is not None for selector in query.selectors)
    asked = query.q is not None and attributes_of(query.q)
    if not (typed or query.attributes or asked or query.geo is not None or query.local):
        raise BadRequestData(
            "the query is too wide: it needs a type, an attribute other than the system's own in attrs or q, "
            "georel or local=true (5.7.2.4)"
        )
    return query


def _text(given: Mapping[str, Any], field: str) -> str | None:
    value = given.get(field)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadRequestData(f"{field}: {shown(value)} is not a string, or an empty one")
    return value


def _list(given: Mapping[str, Any], field: str, kind: type) -> list[Any]:
    """The items of an array, of a single item, or of a string separated by commas; an empty array is refused."""
    value = given.get(field)
    if value is None:
        return []
    items = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else [value]
    if not items or not all(isinstance(item, kind) for item in items):
        raise BadRequestData(f"{field}: {shown(value)} is not an array of {_KINDS[kind]}, or an empty one")
    return items
