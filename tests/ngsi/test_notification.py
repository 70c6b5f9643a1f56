"""Whatever is deleted can be told, in every form that a subscription may ask for (GS CIM 009, 5.8.6)."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final

import orjson
import pytest

from ngsi import subscription, subscription_document
from ngsi.entity import Entity, parse_entity
from ngsi.event import Event
from ngsi.instance import Attributes
from ngsi.notification import Form
from ngsi.subscription_members import FORMATS
from tests.ngsi.contexts import context
from tests.ngsi.subscriptions import URI
from tests.ngsi.subscriptions import subscription as given

PLAIN = context()
NOW = datetime(2026, 6, 19, tzinfo=UTC)
NULL: Final = "urn:ngsi-ld:null"
KINDS: Final[dict[str, Any]] = {
    "Property": {"value": 1},
    "Relationship": {"object": "urn:x:1"},
    "GeoProperty": {"value": {"type": "Point", "coordinates": [136.65, 36.57]}},
    "LanguageProperty": {"languageMap": {"en": "snow", "ja": "雪"}},
    "VocabProperty": {"vocab": ["a", "b"]},
    "ListProperty": {"valueList": [1, 2]},
    "ListRelationship": {"objectList": ["urn:x:1", "urn:x:2"]},
    "JsonProperty": {"json": {"a": 1}},
}
JOINS: Final = (None, "inline", "flat")
LANGUAGES: Final = (None, "en", "*")
VERSIONS: Final = (None, "1.0", "1.3", "1.7", "1.8")


def deletion(attribute: dict[str, Any], *, whole: bool) -> Event:
    fragment = parse_entity({"id": "urn:e:d", "type": "D", "l": attribute}, PLAIN)
    left: Attributes | None = None if whole else {}
    rest = (None, "delete" if whole else "update", [*fragment.attributes], left, fragment.attributes, NOW, NOW)
    return Event(1, NOW, 1, "urn:e:d", fragment.types, *rest)


def form(*, lang: str | None = None, version: str | None = None, **notification: Any) -> Form:
    chosen = {"lang": lang, "ngsildConformance": version, "notificationTrigger": ["attributeDeleted", "entityDeleted"]}
    body = given(notification={"endpoint": {"uri": URI}, **{k: v for k, v in notification.items() if v is not None}})
    body |= {name: value for name, value in chosen.items() if value is not None}
    return Form(subscription.read(subscription_document.parse(body, PLAIN, NOW - timedelta(1))), PLAIN, None)


def told(form: Form, event: Event) -> Any:
    other = Entity("urn:x:1", event.types, {}, [], NOW, NOW)
    return orjson.loads(form.part(event)), [orjson.loads(part) for part in form.joined(event, {other.id: other})]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_deleted_is_told_in_every_form(kind: str, whole: bool) -> None:
    for attribute in (KINDS[kind], [KINDS[kind], {**KINDS[kind], "datasetId": "urn:d:1"}]):
        event = deletion(attribute, whole=whole)
        for format, lang, version, join, changes in product(FORMATS, LANGUAGES, VERSIONS, JOINS, (True, False)):
            if format in ("simplified", "keyValues") and changes:
                continue
            wanted = form(lang=lang, version=version, format=format, join=join, showChanges=changes, sysAttrs=changes)
            entity, (joined, *_) = told(wanted, event)
            assert entity["id"] == joined["id"] == "urn:e:d"
            assert (NULL in orjson.dumps(entity).decode()) == (changes or not whole)


@pytest.mark.parametrize(
    ("kind", "null"),
    [
        ("Property", {"value": NULL}),
        ("Relationship", {"object": NULL}),
        ("GeoProperty", {"value": NULL}),
        ("LanguageProperty", {"languageMap": NULL}),
        ("VocabProperty", {"vocab": NULL}),
        ("ListProperty", {"valueList": [NULL]}),
        ("ListRelationship", {"objectList": [{"object": NULL}]}),
        ("JsonProperty", {"json": NULL}),
    ],
)
def test_each_attribute_of_a_deleted_entity_is_null(kind: str, null: dict[str, Any]) -> None:
    entity, _ = told(form(showChanges=True), deletion(KINDS[kind], whole=True))
    shown = {name: value for name, value in entity["l"].items() if not name.startswith("previous")}
    assert shown == {"type": kind, **null}
