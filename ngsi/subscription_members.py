"""The members of a subscription (GS CIM 009, 5.2.12-15): each is checked and its names are expanded.

A row of `MEMBERS` is (value, field, context) -> what is stored; it raises BadRequestData naming the field.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ngsi import endpoint, names, ngsiv2, times
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.language import parse_languages
from ngsi.naming import attribute_in
from ngsi.projection import parse_projection
from ngsi.query.geo import parse_geo
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import link_depth
from ngsi.query.scope import parse_scopes
from ngsi.query.temporal import parse_temporal
from ngsi.query.types import EVERY_TYPE, parse_types
from ngsi.query.written import parse_written
from ngsi.stored_names import stored
from ngsi.subscription import ATTRIBUTE_TRIGGERS, VERSION, Document
from ngsi.terms import DEFAULT_DATASET, ENTITY_MEMBERS

FORMATS: Final = ("normalized", "concise", "simplified", "keyValues", *ngsiv2.FORMS)
TRIGGERS: Final = ("entityCreated", "entityUpdated", "entityDeleted", *sorted(ATTRIBUTE_TRIGGERS))
TYPE_TOKEN: Final = re.compile(r"[^\s,|;()]+")
KEYWORD_NAMES: Final = {"@id": "id", "@type": "type"}  # JSON-LD's names of these members (4.4)
PROJECTION_TOKEN: Final = re.compile(r"[^\s,|{}]+")
_NOTIFICATION_READ_ONLY: Final = frozenset(
    {"status", "lastNotification", "lastSuccess", "lastFailure", "timesSent", "timesFailed"}
)


def _words(value: Any, field: str, _: Context) -> str:
    if not isinstance(value, str):
        raise BadRequestData(f"{field}: {shown(value)} is not a string")
    return value


def _text(value: Any, field: str, context: Context) -> str:
    if not _words(value, field, context):
        raise BadRequestData(f"{field}: the string is empty")
    return str(value)


def _flag(value: Any, field: str, _: Context) -> bool:
    if not isinstance(value, bool):
        raise BadRequestData(f"{field}: {shown(value)} is neither true nor false")
    return value


def _positive(value: Any, field: str, _: Context) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e10:
        raise BadRequestData(f"{field}: {shown(value)} is not a number greater than 0")
    return value


def _level(value: Any, field: str, context: Context) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRequestData(f"{field}: {shown(value)} is not a positive whole number")
    return value


def _id(value: Any, field: str, _: Context) -> str:
    return names.entity_id(value, field)


def _date_time(value: Any, field: str, _: Context) -> str:
    return times.text(times.date_time(value, field))


def _uri(value: Any, field: str, _: Context) -> str:
    if not isinstance(value, str) or not names.is_uri(value):
        raise BadRequestData(f"{field}: {shown(value)} is not a URI")
    return value


def _one_of(*allowed: str) -> Callable[[Any, str, Context], str]:
    def parsed(value: Any, field: str, _: Context) -> str:
        if value not in allowed:
            raise BadRequestData(f"{field}: {shown(value)} is not one of {', '.join(allowed)}")
        return str(value)

    return parsed


def _list(item: Callable[[Any, str, Context], Any]) -> Callable[[Any, str, Context], list[Any]]:
    def parsed(value: Any, field: str, context: Context) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise BadRequestData(f"{field}: {shown(value)} is not an array with at least one item")
        return [item(one, field, context) for one in value]

    return parsed


def _one_or_list(item: Callable[[Any, str, Context], Any]) -> Callable[[Any, str, Context], Any]:
    return lambda value, field, context: (
        _list(item)(value, field, context) if isinstance(value, list) else item(value, field, context)
    )


def _attribute(value: Any, field: str, context: Context) -> str:
    return attribute_in(field, _text(value, field, context), context)


def _dataset(value: Any, field: str, context: Context) -> str:
    return DEFAULT_DATASET if value == DEFAULT_DATASET else _uri(value, field, context)


def _attributes_text(value: Any, field: str, context: Context) -> str:
    """expandValues, jsonKeys: names separated by commas, or an array of them."""
    found = value.split(",") if isinstance(value, str) else value
    names = _list(_attribute)([item.strip() for item in found] if isinstance(value, str) else value, field, context)
    return ",".join(map(stored, names))


def _projected(value: Any, field: str, context: Context) -> str:
    try:
        parse_projection(_text(value, field, context), None, context)
    except BadRequestData as error:
        raise BadRequestData(f"{field}: {error.detail.removeprefix('pick: ')}") from None

    def expanded(match: "re.Match[str]") -> str:
        name = context.term(match.group())
        return name if name in ENTITY_MEMBERS else stored(context.attribute(name))

    return PROJECTION_TOKEN.sub(expanded, str(value))


def _types(value: Any, field: str, context: Context) -> str:
    text = _text(value, field, context)
    if text.strip() == EVERY_TYPE:
        return EVERY_TYPE
    parse_types(text, context)
    return TYPE_TOKEN.sub(lambda match: stored(context.expand(match.group())), text)


def _pattern(value: Any, field: str, context: Context) -> str:
    return parse_pattern(_text(value, field, context), field).given


def _scopes(value: Any, field: str, context: Context) -> str:
    parse_scopes(_text(value, field, context))
    return str(value)


def _lang(value: Any, field: str, context: Context) -> str:
    parse_languages(_text(value, field, context))
    return str(value)


def _conformance(value: Any, field: str, context: Context) -> str:
    if not VERSION.fullmatch(_text(value, field, context)):
        raise BadRequestData(f"{field}: {shown(value)} is not a version such as 1.6")
    return str(value)


def _object(members: Mapping[str, Callable[[Any, str, Context], Any]], needed: str, ignored: frozenset[str]) -> Any:
    def parsed(value: Any, field: str, context: Context) -> Document:
        if not isinstance(value, dict):
            raise BadRequestData(f"{field}: {shown(value)} is not an object")
        for name in value:
            if name not in members and name not in ignored:
                raise BadRequestData(f"{field}.{name}: there is no such member")
        if needed and needed not in value:
            raise BadRequestData(f"{field}.{needed}: is needed")
        return {
            name: members[name](item, f"{field}.{name}", context) for name, item in value.items() if name in members
        }

    return parsed


def _q(value: Any, field: str, context: Context) -> str:
    return parse_written(_text(value, field, context), context, field=field)[0]


def _csf(value: Any, field: str, context: Context) -> str:
    meant, query = parse_written(_text(value, field, context), context, field=field)
    if link_depth(query):
        raise BadRequestData(f"{field}: a context source registration has no linked entities (4.9)")
    return meant


def _temporal(value: Any, field: str, _: Context) -> Document:
    """temporalQ (5.2.21): of meaning where registrations are subscribed to, checked wherever it stands."""
    if not isinstance(value, dict):
        raise BadRequestData(f"{field}: {shown(value)} is not a TemporalQuery (5.2.21)")
    strange = value.keys() - {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "type"}
    if strange:
        raise BadRequestData(f"{field}.{min(strange)}: there is no such member (5.2.21)")
    try:
        parse_temporal(value, needed=True)
    except BadRequestData as error:
        raise BadRequestData(f"{field}.{error.detail}") from None
    return value


def _geo(value: Any, field: str, context: Context) -> Document:
    if not isinstance(value, dict):
        raise BadRequestData(f"{field}: {shown(value)} is not a GeoQuery (5.2.13)")
    strange = value.keys() - {"georel", "geometry", "coordinates", "geoproperty", "type"}
    if strange:
        raise BadRequestData(f"{field}.{min(strange)}: there is no such member (5.2.13)")
    if value.get("geoproperty") is not None:
        _text(value["geoproperty"], f"{field}.geoproperty", context)
    found = parse_geo(
        value.get("georel"), value.get("geometry"), value.get("coordinates"), value.get("geoproperty"), context
    )
    if found is None:
        raise BadRequestData(f"{field}: georel, geometry and coordinates are needed (5.2.13)")
    document = {name: item for name, item in value.items() if name != "type"}
    if "geoproperty" in document:
        document["geoproperty"] = stored(found.geoproperty)
    return document


def _selector(value: Any, field: str, context: Context) -> Any:
    """An EntitySelector (5.2.33), whose id and type JSON-LD may name by its keywords (4.4)."""
    if isinstance(value, dict):
        value = {KEYWORD_NAMES.get(name, name): item for name, item in value.items()}
    return _SELECTOR(value, field, context)


_SELECTOR = _object({"type": _types, "id": _one_or_list(_id), "idPattern": _pattern}, "type", frozenset())
_ENDPOINT = _object(
    {
        "uri": lambda value, field, _: endpoint.uri(value, field),
        "accept": _one_of(*endpoint.ACCEPTED),
        "receiverInfo": lambda value, field, _: endpoint.receiver_info(value, field),
        "notifierInfo": lambda value, field, _: endpoint.notifier_info(value, field),
        "timeout": _positive,
        "cooldown": _positive,
    },
    "",
    frozenset({"type"}),
)
_NOTIFICATION = _object(
    {
        "attributes": _list(_attribute),
        "pick": _list(_projected),
        "omit": _list(_projected),
        "format": _one_of(*FORMATS),
        "sysAttrs": _flag,
        "showChanges": _flag,
        "join": _one_of("flat", "inline", "@none"),
        "joinLevel": _level,
        "endpoint": _ENDPOINT,
    },
    "",
    _NOTIFICATION_READ_ONLY | {"type"},
)
MEMBERS: Final[dict[str, Callable[[Any, str, Context], Any]]] = {
    "id": _id,
    "type": _text,
    "subscriptionName": _words,
    "description": _words,
    "entities": _list(_selector),
    "watchedAttributes": _list(_attribute),
    "notificationTrigger": _list(_one_of(*TRIGGERS)),
    "timeInterval": _positive,
    "throttling": _positive,
    "q": _q,
    "geoQ": _geo,
    "scopeQ": _scopes,
    "csf": _csf,
    "temporalQ": _temporal,
    "datasetId": _one_or_list(_dataset),
    "lang": _lang,
    "isActive": _flag,
    "expiresAt": _date_time,
    "jsonldContext": _uri,
    "localOnly": _flag,
    "splitEntities": _flag,
    "expandValues": _attributes_text,
    "jsonKeys": _attributes_text,
    "ngsildConformance": _conformance,
    "notification": _NOTIFICATION,
}
