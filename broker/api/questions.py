"""The parameters that select entities, as one question (GS CIM 009, 5.7.2, 6.4.3.2)."""

from collections.abc import Mapping
from typing import Final

from broker.api import http
from broker.settings import Settings
from ngsi import names
from ngsi.errors import BadRequestData
from ngsi.jsonld import Context
from ngsi.query.entities import EntityQuery, Page
from ngsi.query.geo import parse_geo
from ngsi.query.q import parse_q
from ngsi.query.types import parse_types

PARAMETERS: Final = frozenset(
    {
        "id",
        "type",
        "idPattern",
        "attrs",
        "q",
        "georel",
        "geometry",
        "coordinates",
        "geoproperty",
        "local",
        "limit",
        "offset",
        "count",
    }
)


def question(settings: Settings, given: Mapping[str, str], context: Context) -> EntityQuery:
    count = http.flag(given, "count")
    limit = http.whole(
        given, "limit", min(settings.default_limit, settings.max_limit), 0 if count else 1, settings.max_limit
    )
    page = Page(limit, http.whole(given, "offset", 0, 0, 999_999_999), count)
    geo = parse_geo(
        given.get("georel"), given.get("geometry"), given.get("coordinates"), given.get("geoproperty"), context
    )
    local = http.flag(given, "local") or given.get("type") == "*"
    if not local and not ({"type", "attrs", "q"} & given.keys()) and geo is None:
        raise BadRequestData("the query is too wide: it needs one of type, attrs, q, georel or local=true (5.7.2)")
    ids = tuple(names.entity_id(item.strip()) for item in given["id"].split(",")) if "id" in given else ()
    return EntityQuery(
        ids=ids,
        types=parse_types(given["type"], context) if "type" in given else None,
        id_pattern=given.get("idPattern"),
        attributes=attribute_names(given, context),
        q=parse_q(given["q"], context) if "q" in given else None,
        geo=geo,
        page=page,
    )


def attribute_names(given: Mapping[str, str], context: Context) -> tuple[str, ...]:
    return tuple(context.attribute(name.strip()) for name in given["attrs"].split(",")) if "attrs" in given else ()
