"""What a subscriber is told: the payload of a notification (GS CIM 009, 5.3.1, 5.8.6)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Final

import orjson

from ngsi import ngsiv2, times
from ngsi.downgrade import downgraded
from ngsi.endpoint import Endpoint
from ngsi.entity import Entity
from ngsi.event import DELETED, Event, differs
from ngsi.geojson import feature, place
from ngsi.instance import LANGUAGE_NULL, Attributes, Instance, dataset, null_of
from ngsi.jsonld import Context
from ngsi.links import Inline, Joining
from ngsi.projection import EVERYTHING
from ngsi.representation import represent
from ngsi.subscription import NotificationParams, Subscription
from ngsi.terms import CORE, CORE_CONTEXT, KINDS, NULL

Show = Callable[[Entity], dict[str, Any]]

MOST_LINKED: Final = 1000  # entities put inside one
GEOJSON: Final = "application/geo+json"
_BODY_JSON: Final = re.compile(r'\bbody\s*=\s*"?json\b')
_LOCATION: Final = CORE + "location"
_LD: Final = "application/ld+json"
_PREVIOUS: Final = {kind.bearer: "previous" + kind.bearer[0].upper() + kind.bearer[1:] for kind in KINDS.values()}


class Form:
    """How one subscription wants to be told; `key` is the same for all who want the same of an event."""

    def __init__(self, subscription: Subscription, context: Context, source: Any) -> None:
        params = subscription.notification
        self.media = params.endpoint.accept
        self.key = _key(subscription, self.media, orjson.dumps(source))
        self._subscription = subscription
        self._context = context
        self._head = b'","type":"Notification","subscriptionId":' + orjson.dumps(subscription.id) + b',"notifiedAt":"'
        self._data, self._end = _frame(params, CORE_CONTEXT if source is None else source)

    def part(self, event: Event) -> bytes:
        """The event's entity as it stands in `data`; made once for all subscriptions of the same key."""
        found = event.rendered.get(self.key)
        if found is None:
            found = event.rendered[self.key] = orjson.dumps(self._entity(event))
        return found

    def entity(self, entity: Entity) -> bytes:
        """An entity that is told without a change: a periodic notification."""
        return orjson.dumps(self._formed(_shown(entity, self._subscription.notification, self._context), entity))

    def joined(self, subject: Event | Entity, known: dict[str, Entity]) -> Iterator[bytes]:
        """The event's entity, or an entity, with the `known` ones it is linked to: inside it, or after it (4.5.23)."""
        params = self._subscription.notification
        entity = subject.entity if isinstance(subject, Event) else subject
        show: Show = partial(_shown, params=params, context=self._context)
        if params.join == "inline":
            joining = Joining("inline", params.join_level)
            show = Inline(known, self._context, params.representation, joining, MOST_LINKED).show
        body = told(subject, self._subscription, self._context, show) if isinstance(subject, Event) else show(subject)
        yield orjson.dumps(self._formed(body, entity))
        if params.join == "flat":
            yield from (self.entity(other) for other in known.values() if other.id != entity.id)

    def body(self, notification_id: str, notified_at: str, parts: Iterable[bytes]) -> bytes:
        """The whole payload."""
        if self._subscription.notification.format in ngsiv2.FORMS:
            return b'{"subscriptionId":%b,"data":[%b]}' % (orjson.dumps(self._subscription.id), b",".join(parts))
        return b"".join(
            (
                b'{"id":"',
                notification_id.encode(),
                self._head,
                notified_at.encode(),
                self._data,
                b",".join(parts),
                self._end,
            )
        )

    def _entity(self, event: Event) -> dict[str, Any]:
        show = partial(_shown, params=self._subscription.notification, context=self._context)
        return self._formed(told(event, self._subscription, self._context, show), event.entity)

    def _formed(self, body: dict[str, Any], entity: Entity) -> dict[str, Any]:
        form = ngsiv2.FORMS.get(self._subscription.notification.format)
        if form is not None:
            return form(body)
        return feature(body, place(entity.attributes, _LOCATION)) if self.media == GEOJSON else body


def _key(subscription: Subscription, media: str, source: bytes) -> Any:
    """The same for subscriptions that are told the same of an event."""
    params = subscription.notification
    wanted = params.representation
    plain = wanted.projection is EVERYTHING and wanted.languages is None
    return _token(
        (
            params.format,
            wanted.sys_attrs,
            wanted.attributes,
            wanted.datasets,
            params.show_changes,
            params.version,
            DELETED in subscription.triggers,
            media,
            source,
            None if plain else subscription.id,
        )
    )


@lru_cache(maxsize=4096)
def _token(_: tuple[Any, ...]) -> object:
    """One object for equal keys, so that they are hashed once and not for every event."""
    return object()


def links(endpoint: Endpoint) -> bool:
    """Whether a header Link names the @context, which is then not inside the payload (6.3.6)."""
    if endpoint.accept == GEOJSON:
        return any(key.lower() == "prefer" and _BODY_JSON.search(value) for key, value in endpoint.receiver_info)
    return endpoint.accept != _LD


def _frame(params: NotificationParams, source: Any) -> tuple[bytes, bytes]:
    """What stands before and after the entities."""
    context = b',"@context":' + orjson.dumps(source)
    if params.endpoint.accept == GEOJSON:
        inside = b"" if links(params.endpoint) else context
        return b'","data":{"type":"FeatureCollection","features":[', b"]" + inside + b"}}"
    if params.endpoint.accept == _LD:
        return b'"' + context + b',"data":[', b"]}"
    return b'","data":[', b"]}"


def told(event: Event, subscription: Subscription, context: Context, show: Show) -> dict[str, Any]:
    """The entity of `event` as the subscription wants to see it; `show` represents entities."""
    params = subscription.notification
    if event.attributes is None:
        return _deleted_entity(event, params, show)
    attributes = _with_previous(event) if params.show_changes else event.attributes
    gone = _gone(event, params) if DELETED in subscription.triggers else {}
    for iri, instances in gone.items():
        attributes = {**attributes, iri: [*attributes.get(iri, ()), *instances]}
    body = show(replace(event.entity, attributes=attributes))
    for iri in gone:
        name = context.compact(iri)
        if name in body and _is_short(body[name], gone[iri], params):
            body[name] = NULL
    return body


def _shown(entity: Entity, params: NotificationParams, context: Context) -> dict[str, Any]:
    if params.version is not None:
        entity = downgraded(entity, params.version, context)
    return represent(entity, context, params.representation)


def _with_previous(event: Event) -> Attributes:
    assert event.attributes is not None
    before = event.before or {}
    return {
        iri: [_previous(item, before.get(iri, ())) for item in items] if iri in event.changes else items
        for iri, items in event.attributes.items()
    }


def _previous(instance: Instance, before: Iterable[Instance]) -> Instance:
    for old in before:
        if dataset(old) == dataset(instance) and differs(old, instance):
            return {**instance, **_previous_value(old)}
    return instance


def _previous_value(old: Instance) -> dict[str, Any]:
    bearer = KINDS[old["type"]].bearer
    return {_PREVIOUS[bearer]: old[bearer]}


def _gone(event: Event, params: NotificationParams) -> Attributes:
    """Deleted instances as they are told: their value is the NGSI-LD null."""
    found: Attributes = {}
    for iri, kinds in event.changes.items():
        if DELETED in kinds:
            left = {dataset(item) for item in (event.attributes or {}).get(iri, ())}
            found[iri] = [_null(item, event, params) for item in (event.before or {})[iri] if dataset(item) not in left]
    return found


def _null(old: Instance, event: Event, params: NotificationParams) -> Instance:
    instance: Instance = {"type": old["type"], KINDS[old["type"]].bearer: null_of(old["type"])}
    if "datasetId" in old:
        instance["datasetId"] = old["datasetId"]
    if params.show_changes:
        instance |= _previous_value(old)
    if params.sys_attrs:
        instance |= {key: old[key] for key in ("createdAt", "modifiedAt") if key in old}
        instance["deletedAt"] = times.text(event.modified_at)
    return instance


def _is_short(shown: Any, gone: Sequence[Instance], params: NotificationParams) -> bool:
    """Whether nothing needs to be said but that the attribute is no more."""
    if isinstance(shown, list) or len(gone) != 1 or "datasetId" in gone[0]:
        return False
    return not (params.show_changes or params.sys_attrs)


def _deleted_entity(event: Event, params: NotificationParams, show: Show) -> dict[str, Any]:
    gone: Attributes = {}
    if params.show_changes:
        gone = {iri: [_null(item, event, params) for item in items] for iri, items in (event.before or {}).items()}
    body = show(Entity(event.id, event.types, gone))
    for shown in chain.from_iterable(item if isinstance(item, list) else [item] for item in body.values()):
        if isinstance(shown, dict) and shown.get("languageMap") == LANGUAGE_NULL:
            shown["languageMap"] = NULL  # of an entity that is no more the string alone is told, and no map
    if params.sys_attrs:
        body["createdAt"] = times.text(event.created_at)
        stamps = [
            item["modifiedAt"] for items in (event.before or {}).values() for item in items if "modifiedAt" in item
        ]
        body["modifiedAt"] = max(stamps, key=times.parse, default=body["createdAt"])
    body["deletedAt"] = times.text(event.modified_at)
    return body
