"""Merge patch, rule by rule (GS CIM 009, 5.5.12, 5.6.17)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ngsi.entity import parse_entity
from ngsi.errors import BadRequestData, ResourceNotFound
from ngsi.merge import merge, parse_merge
from ngsi.patch import create
from ngsi.representation import Representation, represent
from tests.ngsi.contexts import context

CORE = context()
NULL = "urn:ngsi-ld:null"
EARLY = datetime(2026, 6, 19, 3, 50, tzinfo=UTC)
LATE = datetime(2026, 6, 19, 4, 0, tzinfo=UTC)
AT = "2026-06-19T03:50:00Z"
NEW = "2026-06-19T04:00:00Z"


def merged(target: dict[str, Any], fragment: dict[str, Any], **how: Any) -> dict[str, Any]:
    body = {"id": "urn:ngsi-ld:Room:1", "type": "Room", **target}
    before = create(None, parse_entity(body, CORE), EARLY).after
    after = merge(before, parse_merge(fragment, CORE, **how), LATE).after
    assert after is not None
    shown = represent(after, CORE, Representation())
    return {key: value for key, value in shown.items() if key not in ("id", "type")}


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


STREET = {"street": "片町", "city": "金沢市", "deep": {"a": 1, "b": [1, 2]}}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "other members stay": (
        {"t": prop(25, unitCode="CEL", observedAt=AT)},
        {"t": {"type": "Property", "value": 100, "observedAt": NEW}},
        {"t": prop(100, unitCode="CEL", observedAt=NEW)},
    ),
    "a member alone": ({"t": prop(25)}, {"t": {"unitCode": "CEL"}}, {"t": prop(25, unitCode="CEL")}),
    "an attribute is added": ({"a": prop(1)}, {"b": prop(2)}, {"a": prop(1), "b": prop(2)}),
    "null deletes an attribute": ({"a": prop(1), "b": prop(2)}, {"a": NULL}, {"b": prop(2)}),
    "a null value deletes an attribute": ({"a": prop(1), "b": prop(2)}, {"a": prop(NULL)}, {"b": prop(2)}),
    "null deletes a member": ({"a": prop(1, unitCode="CEL")}, {"a": {"unitCode": NULL}}, {"a": prop(1)}),
    "null deletes a sub-attribute": ({"a": prop(1, q=prop(2))}, {"a": {"type": "Property", "q": NULL}}, {"a": prop(1)}),
    "null deletes a sub-attribute without a type": ({"a": prop(1, q=prop(2))}, {"a": {"q": NULL}}, {"a": prop(1)}),
    "a sub-attribute without a type": ({"a": prop(1, q=prop(2))}, {"a": {"q": 3}}, {"a": prop(1, q=prop(3))}),
    "a new sub-attribute that says its type": ({"a": prop(1)}, {"a": {"q": prop(3)}}, {"a": prop(1, q=prop(3))}),
    "a member of the value goes before a sub-attribute": (
        {"a": prop({"q": 1, "r": 2}, q=prop(2))},
        {"a": {"q": 3}},
        {"a": prop({"q": 3, "r": 2}, q=prop(2))},
    ),
    "null lists delete": (
        {"a": {"type": "ListProperty", "valueList": [1]}, "b": {"objectList": ["urn:x:1"]}, "c": {"vocab": "V"}},
        {"a": {"valueList": [NULL]}, "b": {"objectList": [NULL]}, "c": {"vocab": [NULL]}, "d": 1},
        {"d": prop(1)},
    ),
    "null for nothing is harmless": ({"a": prop(1)}, {"b": NULL}, {"a": prop(1)}),
    "values merge member by member": (
        {"a": prop(STREET)},
        {"a": prop({"street": "香林坊", "city": NULL, "deep": {"a": NULL}})},
        {"a": prop({"street": "香林坊", "deep": {"b": [1, 2]}})},
    ),
    "arrays are replaced": ({"a": prop([1, 2])}, {"a": prop([3])}, {"a": prop([3])}),
    "a null within a new value leaves nothing": ({}, {"a": prop({"x": 1, "y": NULL})}, {"a": prop({"x": 1})}),
    "sub-attributes merge": (
        {"a": prop(1, q=prop(2, unitCode="P1"))},
        {"a": {"type": "Property", "q": {"type": "Property", "value": 3}}},
        {"a": prop(1, q=prop(3, unitCode="P1"))},
    ),
    "languages merge": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "de": "Kanasawa"}}},
        {"n": {"type": "LanguageProperty", "languageMap": {"en": "Kanazawa", "de": NULL}}},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": "Kanazawa"}}},
    ),
    "the last language takes the attribute along": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}}},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": NULL}}},
        {},
    ),
    "only the named dataset": (
        {"a": [prop(1), prop(2, datasetId="urn:d:1")]},
        {"a": prop(3, datasetId="urn:d:1")},
        {"a": [prop(1), prop(3, datasetId="urn:d:1")]},
    ),
    "a new dataset is added": (
        {"a": prop(1)},
        {"a": prop(3, datasetId="urn:d:1")},
        {"a": [prop(1), prop(3, datasetId="urn:d:1")]},
    ),
    "one dataset is deleted": (
        {"a": [prop(1), prop(2, datasetId="urn:d:1")]},
        {"a": prop(NULL, datasetId="urn:d:1")},
        {"a": prop(1)},
    ),
    "the type may change": (
        {"a": prop(1, unitCode="CEL")},
        {"a": {"type": "Relationship", "object": "urn:x:1"}},
        {"a": {"type": "Relationship", "object": "urn:x:1"}},
    ),
    "geometries merge": (
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}},
        {"location": {"value": {"coordinates": [3, 4]}}},
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [3, 4]}}},
    ),
    "nulls in a new bare object are nothing": (
        {},
        {"a": {"x": NULL, "y": {"z": NULL, "w": 1}}},
        {"a": prop({"y": {"w": 1}})},
    ),
    "a new sub-attribute of what is no object": (
        {"r": {"type": "Relationship", "object": "urn:x:1"}},
        {"r": {"q": {"value": 3}}},
        {"r": {"type": "Relationship", "object": "urn:x:1", "q": prop(3)}},
    ),
    "a bare sub-attribute of what is no object": (
        {"v": {"type": "VocabProperty", "vocab": "V"}},
        {"v": {"q": 3}},
        {"v": {"type": "VocabProperty", "vocab": "V", "q": prop(3)}},
    ),
    "no sub-attribute to delete": (
        {"r": {"type": "Relationship", "object": "urn:x:1"}},
        {"r": {"q": NULL}},
        {"r": {"type": "Relationship", "object": "urn:x:1"}},
    ),
    "a new sub-attribute of a geometry": (
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}},
        {"location": {"q": {"value": 3}}},
        {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}, "q": prop(3)}},
    ),
    "a new sub-attribute of texts": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}}},
        {"n": {"q": {"value": 3}}},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}, "q": prop(3)}},
    ),
    "bare texts": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}}},
        {"n": {"en": "K"}},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": "K"}}},
    ),
    "what is read-only says nothing": (
        {"a": prop(1)},
        {"a": {"modifiedAt": AT, "instanceId": "urn:x:1"}},
        {"a": prop(1)},
    ),
    "a word that the standard has too may stand in a value": (
        {"a": prop({"x": 1})},
        {"a": {"entity": "y"}},
        {"a": prop({"x": 1, "entity": "y"})},
    ),
    "a member of the value that is called like a time": (
        {"a": prop({"createdAt": 1})},
        {"a": {"createdAt": 2}},
        {"a": prop({"createdAt": 2})},
    ),
    "@none is a member of a value like others": (
        {"a": prop({"x": 1, "@none": 2})},
        {"a": {"value": {"@none": NULL}}},
        {"a": prop({"x": 1})},
    ),
    "scope is replaced": ({"scope": ["/A", "/B"]}, {"scope": "/C"}, {"scope": "/C"}),
    "scope is deleted": ({"scope": "/A"}, {"scope": NULL}, {}),
    "scopes are deleted": ({"scope": ["/A", "/B"]}, {"scope": [NULL]}, {}),
    "json merges verbatim": (
        {"j": {"type": "JsonProperty", "json": {"type": "x", "n": None}}},
        {"j": {"type": "JsonProperty", "json": {"m": 1}}},
        {"j": {"type": "JsonProperty", "json": {"type": "x", "n": None, "m": 1}}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_merge_leaves(case: str) -> None:
    target, fragment, expected = CASES[case]
    assert merged(target, fragment) == expected


SIMPLIFIED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "texts in one language": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": "K"}}},
        {"n": ["Kanazawa", "Kaga"]},
        {"language": "en"},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": ["Kanazawa", "Kaga"]}}},
    ),
    "instances by datasetId": (
        {"a": [prop(1, unitCode="CEL"), prop(2, datasetId="urn:d:1")]},
        {"a": {"dataset": {"@none": 3, "urn:d:1": 4, "urn:d:2": 5}}},
        {},
        {"a": [prop(3, unitCode="CEL"), prop(4, datasetId="urn:d:1"), prop(5, datasetId="urn:d:2")]},
    ),
    "a value that only looks like instances": (
        {"a": prop(1)},
        {"a": {"dataset": {"name": 3}}},
        {},
        {"a": prop({"dataset": {"name": 3}})},
    ),
    "a bare value keeps the type": (
        {"r": {"type": "Relationship", "object": "urn:x:1"}},
        {"r": "urn:x:2"},
        {},
        {"r": {"type": "Relationship", "object": "urn:x:2"}},
    ),
    "a string takes the common language": (
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}}},
        {"n": "Kanazawa"},
        {"language": "en"},
        {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": "Kanazawa"}}},
    ),
    "an object is a value": ({"a": prop({"x": 1})}, {"a": {"value": 2}}, {}, {"a": prop({"x": 1, "value": 2})}),
    "a new bare object is a value": ({}, {"a": {"type": "x"}}, {}, {"a": prop({"type": "x"})}),
    "a new null is nothing": (
        {},
        {
            "a": {"vocab": NULL},
            "b": {"json": NULL},
            "c": {"languageMap": {"@none": NULL}},
            "d": {"dataset": {"@none": NULL}},
        },
        {},
        {},
    ),
    "nulls in a new value are nothing": (
        {},
        {
            "a": {"json": {"x": NULL, "y": 1}},
            "b": {"languageMap": {"en": NULL, "ja": "金沢"}},
            "c": {"x": NULL, "y": 1},
        },
        {},
        {
            "a": {"type": "JsonProperty", "json": {"y": 1}},
            "b": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}},
            "c": prop({"y": 1}),
        },
    ),
    "the common time restamps what had one": (
        {"a": prop(1, observedAt=AT), "b": prop(1)},
        {"a": 2, "b": 2},
        {"observed_at": NEW},
        {"a": prop(2, observedAt=NEW), "b": prop(2)},
    ),
}


@pytest.mark.parametrize("case", SIMPLIFIED)
def test_what_a_simplified_merge_leaves(case: str) -> None:
    target, fragment, how, expected = SIMPLIFIED[case]
    assert merged(target, fragment, simplified=True, **how) == expected


def test_an_explicit_time_wins_over_the_common_one() -> None:
    fragment = {"a": prop(2, observedAt="2026-06-19T05:00:00Z")}
    after = merged({"a": prop(1, observedAt=AT)}, fragment, observed_at=NEW)
    assert after["a"]["observedAt"] == "2026-06-19T05:00:00Z"


def test_types_are_added_and_never_removed() -> None:
    before = create(None, parse_entity({"id": "urn:x:1", "type": "A"}, CORE), EARLY).after
    after = merge(before, parse_merge({"type": ["B", "A"]}, CORE), LATE).after
    assert after is not None
    assert [CORE.compact(iri) for iri in after.types] == ["A", "B"]


def test_a_merge_that_says_nothing_new_changes_nothing() -> None:
    body = {"id": "urn:x:1", "type": "A", "a": prop({"x": 1}, q=prop(2))}
    before = create(None, parse_entity(body, CORE), EARLY).after
    change = merge(before, parse_merge({"a": prop({"x": 1}, q=prop(2))}, CORE), LATE)
    assert not change.changed
    assert not change.written


@pytest.mark.parametrize(
    ("fragment", "word"),
    [
        ({"b": {"unitCode": "CEL"}}, "b"),
        ({"a": {"type": "Relationship"}}, "object"),
        ({"a": {"type": "Relationship", "object": "no uri"}}, "URI"),
        ({"a": {"type": "Foo", "value": 1}}, "Foo"),
        ({"location": 3}, "GeoProperty"),
        ({"a": None}, "null"),
        ({"a": [prop(1), prop(2)]}, "datasetId"),
        ({"a": [prop(1), prop(2, datasetId="@none")]}, "datasetId"),
        ({"n": [prop(1, datasetId="urn:d:1"), prop(2, datasetId="urn:d:1")]}, "datasetId"),
        ({"a": prop(1, q=[prop(1), prop(2)])}, "a.q"),
        ({"a": prop(1, **{"below": 1, "https://uri.etsi.org/ngsi-ld/default-context/below": 2})}, "one meaning"),
        ({"a": {"@context": "https://a.example/c.jsonld"}}, "@context"),
        ({"a": {"type": "Property", "value": 1, "datasetId": NULL + " x"}}, "datasetId"),
        ({"invalid(name": 1}, "invalid(name"),
        ({"expiresAt": "soon"}, "expiresAt"),
    ],
)
def test_a_bad_fragment_is_refused_by_name(fragment: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequestData, match=word.replace("(", r"\(")):
        merged({"a": prop(1)}, fragment)


@pytest.mark.parametrize("value", [{"vocab": "x"}, {"json": {"x": 1}}])
def test_a_simplified_value_of_another_type_is_refused(value: Any) -> None:
    texts = {"n": {"type": "LanguageProperty", "languageMap": {"ja": "金沢"}}}
    with pytest.raises(BadRequestData, match="LanguageProperty"):
        merged(texts, {"n": value}, simplified=True)


def test_there_must_be_an_entity() -> None:
    with pytest.raises(ResourceNotFound):
        merge(None, parse_merge({"a": 1}, CORE), LATE)
