"""The document of a subscription (GS CIM 009, 5.2.12-15, 5.8): from the wire to what is stored.

The stored document is the client's own, checked, with every name expanded; `TERMS` beside its members keeps what the
names inside q and csf mean, so that it is read again without any @context.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from ngsi import endpoint, names, ngsiv2, times
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.language import parse_languages
from ngsi.projection import parse_projection
from ngsi.query.geo import parse_geo
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import Condition, Query, parse_written
from ngsi.query.scope import parse_scopes
from ngsi.query.types import EVERY_TYPE, parse_types
from ngsi.subscription import ATTRIBUTE_TRIGGERS, TERMS, VERSION, Document

FORMATS: Final = ("normalized", "concise", "simplified", "keyValues", *ngsiv2.FORMS)
TRIGGERS: Final = ("entityCreated", "entityUpdated", "entityDeleted", *sorted(ATTRIBUTE_TRIGGERS))

_READ_ONLY: Final = frozenset({"status", "createdAt", "modifiedAt", "@context", "@id", "@type"})
_NOTIFICATION_READ_ONLY: Final = frozenset(
    {"status", "lastNotification", "lastSuccess", "lastFailure", "timesSent", "timesFailed"}
)
TYPE_TOKEN: Final = re.compile(r"[^\s,|;()]+")
PROJECTION_TOKEN: Final = re.compile(r"[^\s,|{}]+")
ENTITY_MEMBERS: Final = frozenset({"id", "type", "scope"})


class _Recorder(Context):
    """A context that remembers what it was asked."""

    __slots__ = ("_context", "asked")

    def __init__(self, context: Context) -> None:
        super().__init__({}, (), {}, None)
        self._context = context
        self.asked: dict[str, str] = {}

    def expand(self, name: str) -> str:
        return self.asked.setdefault(name, self._context.expand(name))

    def attribute(self, name: str) -> str:
        self._context.attribute(name)  # is it a name at all?
        return self.expand(name)


def parse(body: Any, context: Context, now: datetime) -> Document:
    """The document of a whole subscription (5.8.1). Raises BadRequestData naming member, value and rule."""
    document = _fragment(body, context, now)
    if document.get("type") != "Subscription":
        raise BadRequestData(f"type: {shown(document.get('type'))} is not 'Subscription' (5.2.12)")
    check(document)
    return document


def patch(stored: Document, body: Any, context: Context, now: datetime) -> Document:
    """`stored` with the members of a fragment in place of its own; JSON null removes one (5.8.2, 5.5.8)."""
    gone = {name for name, value in body.items() if value is None} if isinstance(body, dict) else set()
    fragment = _fragment({name: body[name] for name in body if name not in gone} if gone else body, context, now)
    if fragment.get("type", "Subscription") != "Subscription" or gone & {"id", "type", "notification"}:
        raise BadRequestData("a subscription keeps its id, type and notification (5.2.12)")
    if fragment.get("id", stored["id"]) != stored["id"]:
        raise BadRequestData(f"id: {shown(fragment['id'])}: a subscription's id cannot be changed (5.2.12)")
    terms = {**stored.get(TERMS, {}), **fragment.get(TERMS, {})}
    if "notification" in fragment:
        fragment["notification"] = _merged_notification(stored["notification"], fragment["notification"])
    document = {name: value for name, value in {**stored, **fragment}.items() if name not in gone}
    if terms:
        document[TERMS] = terms
    check(document)
    return document


def _merged_notification(stored: Document, given: Document) -> Document:
    """A notification is replaced as a whole (5.5.8), unless it leaves its mandatory endpoint to the stored one."""
    if "endpoint" not in given:
        return {**stored, **given}
    place = given["endpoint"] if "uri" in given["endpoint"] else {**stored["endpoint"], **given["endpoint"]}
    return {**given, "endpoint": endpoint.with_secrets(place, stored["endpoint"])}


def _fragment(body: Any, context: Context, now: datetime) -> Document:
    if not isinstance(body, dict):
        raise BadRequestData(f"a subscription is a JSON object, not {shown(body)}")
    renamed = {"@id": "id", "@type": "type"}
    recorder = _Recorder(context)
    document: Document = {}
    for given, value in body.items():
        name = renamed.get(given, given)
        if name in _READ_ONLY:
            continue
        if name not in _MEMBERS:
            raise BadRequestData(f"{name}: a subscription has no such member (5.2.12)")
        document[name] = _MEMBERS[name](value, name, recorder if name in ("q", "csf") else context)
    if recorder.asked:
        document[TERMS] = recorder.asked
    if "expiresAt" in document and times.parse(document["expiresAt"]) <= now:
        raise BadRequestData(f"expiresAt: {document['expiresAt']} is in the past (5.8.1)")
    return document


def check(document: Document) -> None:
    """Raises BadRequestData for members that do not go together (5.2.12, 5.2.14)."""
    for broken, sentence in _RULES:
        if broken(document):
            raise BadRequestData(sentence)


def _notified(document: Document, *members: str) -> int:
    return sum(member in document["notification"] for member in members)


_RULES: Final[tuple[tuple[Callable[[Document], bool], str], ...]] = (
    (lambda d: "notification" not in d, "notification: a subscription says where and how to notify (5.2.12)"),
    (
        lambda d: not (d.get("localOnly") or "entities" in d or "watchedAttributes" in d),
        "entities: a subscription names entities or watchedAttributes, unless it is localOnly (5.2.12)",
    ),
    (
        lambda d: "timeInterval" in d and not (d.get("localOnly") or "entities" in d),
        "entities: a subscription with timeInterval names entities (5.2.12)",
    ),
    (
        lambda d: "timeInterval" in d and "watchedAttributes" in d,
        "timeInterval: excludes watchedAttributes (5.2.12)",
    ),
    (lambda d: "timeInterval" in d and "throttling" in d, "timeInterval: excludes throttling (5.2.12)"),
    (
        lambda d: bool(_notified(d, "attributes")) and bool(_notified(d, "pick", "omit")),
        "notification.attributes: a synonym of pick, so neither pick nor omit goes with it (5.2.14)",
    ),
    (
        lambda d: not set(d["notification"].get("pick", ())).isdisjoint(d["notification"].get("omit", ())),
        "notification.omit: a member cannot be both picked and omitted (5.2.14)",
    ),
    (
        lambda d: (
            bool(d["notification"].get("showChanges"))
            and d["notification"].get("format") in ("simplified", "keyValues")
        ),
        "notification.showChanges: has no place in the simplified format (5.2.14)",
    ),
    (lambda d: "endpoint" not in d["notification"], "notification.endpoint: is needed (5.2.14)"),
    (lambda d: "uri" not in d["notification"]["endpoint"], "notification.endpoint.uri: is needed (5.2.15)"),
)


# -- members: (value, field, context) -> what is stored


def _text(value: Any, field: str, _: Context) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequestData(f"{field}: {shown(value)} is not a string")
    return value


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
    return context.attribute(_text(value, field, context))


def _attributes_text(value: Any, field: str, context: Context) -> str:
    """expandValues, jsonKeys: names separated by commas, or an array of them."""
    found = value.split(",") if isinstance(value, str) else value
    return ",".join(
        _list(_attribute)([item.strip() for item in found] if isinstance(value, str) else value, field, context)
    )


def _projected(value: Any, field: str, context: Context) -> str:
    parse_projection(_text(value, field, context), None, context)

    def expanded(match: "re.Match[str]") -> str:
        return match.group() if match.group() in ENTITY_MEMBERS else context.attribute(match.group())

    return PROJECTION_TOKEN.sub(expanded, str(value))


def _types(value: Any, field: str, context: Context) -> str:
    text = _text(value, field, context)
    if text.strip() == EVERY_TYPE:
        return EVERY_TYPE
    parse_types(text, context)
    return TYPE_TOKEN.sub(lambda match: context.expand(match.group()), text)


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
        if not isinstance(value, dict) or not value:
            raise BadRequestData(f"{field}: {shown(value)} is not an object with at least one member")
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
    meant, query = parse_written(_text(value, field, context), context)
    if _follows_links(query):
        raise BadRequestData(f"{field}: a subscription looks at the changed entity, not at those it is linked to (4.9)")
    return meant


def _follows_links(node: Query) -> bool:
    return bool(node.path.links) if isinstance(node, Condition) else any(map(_follows_links, node.parts))


def _geo(value: Any, field: str, context: Context) -> Document:
    if not isinstance(value, dict):
        raise BadRequestData(f"{field}: {shown(value)} is not a GeoQuery (5.2.13)")
    strange = value.keys() - {"georel", "geometry", "coordinates", "geoproperty", "type"}
    if strange:
        raise BadRequestData(f"{field}.{min(strange)}: there is no such member (5.2.13)")
    found = parse_geo(
        value.get("georel"), value.get("geometry"), value.get("coordinates"), value.get("geoproperty"), context
    )
    if found is None:
        raise BadRequestData(f"{field}: georel, geometry and coordinates are needed (5.2.13)")
    document = {name: item for name, item in value.items() if name != "type"}
    if "geoproperty" in document:
        document["geoproperty"] = found.geoproperty
    return document


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
_MEMBERS: Final[dict[str, Callable[[Any, str, Context], Any]]] = {
    "id": _id,
    "type": _text,
    "subscriptionName": _text,
    "description": _text,
    "entities": _list(_SELECTOR),
    "watchedAttributes": _list(_attribute),
    "notificationTrigger": _list(_one_of(*TRIGGERS)),
    "timeInterval": _positive,
    "throttling": _positive,
    "q": _q,
    "geoQ": _geo,
    "scopeQ": _scopes,
    "csf": _q,
    "temporalQ": lambda value, field, context: _object(
        {"timerel": _text, "timeAt": _date_time, "endTimeAt": _date_time, "timeproperty": _text}, "timerel", frozenset()
    )(value, field, context),
    "datasetId": _one_or_list(_text),
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
