"""What each attribute type takes and what it refuses, member by member (GS CIM 009, 4.5, 4.6, 5.5.4)."""

import json
from typing import Any

import pytest

from ngsi.entity import parse_entity, parse_fragment
from ngsi.errors import BadRequestData
from ngsi.forms import Format
from ngsi.patch import create
from ngsi.representation import Representation, represent
from ngsi.terms import KINDS
from ngsi.times import parse
from tests.ngsi.contexts import context

CONTEXT = context()
NOW = parse("2026-06-19T03:50:00Z")
NULL = "urn:ngsi-ld:null"
POINT = {"type": "Point", "coordinates": [136.65, 36.57]}
CRS = {"type": "name", "properties": {"name": "EPSG:4326"}}


def kept(value: Any, name: str = "a", form: Format = "normalized") -> Any:
    """What an entity created with attribute `name` says of it."""
    fragment = parse_entity({"id": "urn:ngsi-ld:T:1", "type": "T", name: value}, CONTEXT)
    entity = create(None, fragment, NOW).after
    assert entity is not None
    return represent(entity, CONTEXT, Representation(format=form)).get(name)


PROOF = {
    "type": "Property",
    "value": 1,
    "ngsildproof": {
        "type": "Property",
        "value": {"type": "DataIntegrityProof"},
        "entityIdSealed": "urn:ngsi-ld:T:1",
        "entityTypeSealed": "T",
    },
}

# what is sent, and its normalized form
TAKEN: dict[str, tuple[Any, Any]] = {
    "a full IRI as type": ({"type": "https://uri.etsi.org/ngsi-ld/Property", "value": 1}, None),
    "a compact IRI as type": ({"type": "ngsi-ld:Relationship", "object": "urn:x:1"}, None),
    "a typed value": ({"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}, None),
    "an object without a type": ({"street": "片町"}, {"type": "Property", "value": {"street": "片町"}}),
    "objects of a list": (
        {"objectList": ["urn:x:1", {"object": "urn:x:2"}]},
        {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]},
    ),
    "languages": (
        {"languageMap": {"ja": "金沢", "zh-Hant-TW": ["a", "b"], "@none": "x"}},
        {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "zh-Hant-TW": ["a", "b"], "@none": "x"}},
    ),
    "a proof": (PROOF, PROOF),
    "a geometry that names its reference system": (
        {"type": "GeoProperty", "value": {**POINT, "crs": CRS, "bbox": [136, 36, 137, 37]}},
        {"type": "GeoProperty", "value": {**POINT, "crs": CRS, "bbox": [136, 36, 137, 37]}},
    ),
    "null inside a JsonProperty": (
        {"json": {"a": NULL, "b": None}},
        {"type": "JsonProperty", "json": {"a": NULL, "b": None}},
    ),
    "members that are read only": (
        {"value": 1, "createdAt": "x", "modifiedAt": 5, "instanceId": [], "previousValue": 3, "entity": {}},
        {"type": "Property", "value": 1},
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken(case: str) -> None:
    sent, normalized = TAKEN[case]
    found = kept(sent)
    assert found["type"] in KINDS
    assert normalized is None or found == normalized
    assert kept(kept(sent, form="concise")) == found  # the concise form says the same


# an attribute, and a word of the refusal
REFUSED: dict[str, tuple[Any, str]] = {
    "a value with a type of its own": ({"type": "PostalAddress", "street": "片町"}, "'value'"),
    "an unknown type alone": ({"type": "Foo"}, "type"),
    "an unknown type with a value": ({"type": "Foo", "value": 1}, "type"),
    "a type that is a list": ({"type": ["Property"], "value": 1}, "type"),
    "half a geometry": ({"type": "Point", "coords": [1, 2]}, "type"),
    # what PostGIS cannot read
    "a geometry with an empty reference system": ({**POINT, "crs": {}}, "a.value.crs"),
    "a geometry whose reference system has no name": ({**POINT, "crs": {"type": "name", "properties": {}}}, "crs"),
    "a geometry with a member of many levels": ({**POINT, "style": json.loads("[" * 30 + "]" * 30)}, "a.value.style"),
    "values of two types": ({"value": 1, "object": "urn:x:1"}, "value and object"),
    "a language that is none": ({"languageMap": {"not a tag": "x"}}, "not a tag"),
    "an empty language": ({"languageMap": {"": "x"}}, "4.6.5"),
    "an object that is a list in a list": ({"objectList": [{"object": ["urn:x:1"]}]}, "objectList"),
    "more than an object in a list": ({"objectList": [{"object": "urn:x:1", "x": 1}]}, "objectList"),
    "a @context of its own": ({"value": 1, "@context": {"b": "https://a.example/b"}}, "5.5.7"),
    "a @context of a sub-attribute": ({"value": 1, "b": {"value": 2, "@context": []}}, "a.b.@context"),
    "a sealed id without a proof": ({"value": 1, "entityIdSealed": "urn:x:1"}, "entityIdSealed"),
    "a sealed id that is none": ({"value": 1, "ngsildproof": {"value": {}, "entityIdSealed": 5}}, "entityIdSealed"),
    # the NGSI-LD null, where there is nothing to delete (5.5.4)
    "null": (NULL, "null"),
    "null value": ({"type": "Property", "value": NULL}, "null"),
    "null object": ({"object": NULL}, "null"),
    "null objects": ({"object": [NULL]}, "null"),
    "null among objects": ({"object": ["urn:x:1", NULL]}, "object"),
    "null languageMap": ({"languageMap": {"@none": NULL}}, "null"),
    "null languageMap, short": ({"languageMap": NULL}, "null"),
    "null language": ({"languageMap": {"en": NULL}}, "languageMap.en"),
    "null vocab": ({"vocab": NULL}, "null"),
    "null vocabs": ({"vocab": [NULL]}, "null"),
    "null among vocabs": ({"vocab": ["A", NULL]}, "vocab"),
    "null json": ({"json": NULL}, "null"),
    "null valueList": ({"valueList": [NULL]}, "null"),
    "null objectList": ({"objectList": [NULL]}, "null"),
    "null objectList, normalized": ({"objectList": [{"object": NULL}]}, "null"),
    "null among a list of objects": ({"objectList": ["urn:x:1", NULL]}, "objectList"),
    "null geometry": ({"type": "GeoProperty", "value": NULL}, "null"),
    "null within a value": ({"value": {"b": NULL}}, "5.5.4"),
    "null within a list": ({"valueList": [{"b": NULL}]}, "5.5.4"),
    "null unitCode": ({"value": 1, "unitCode": NULL}, "unitCode"),
    "null observedAt": ({"value": 1, "observedAt": NULL}, "observedAt"),
    "null expiresAt": ({"value": 1, "expiresAt": NULL}, "expiresAt"),
    "null objectType": ({"object": "urn:x:1", "objectType": NULL}, "objectType"),
    "null datasetId": ({"value": 1, "datasetId": NULL}, "datasetId"),
    "null sub-attribute": ({"value": 1, "b": NULL}, "null"),
    "null unitCode of a sub-attribute": ({"value": 1, "b": {"value": 1, "unitCode": NULL}}, "unitCode"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    sent, word = REFUSED[case]
    with pytest.raises(BadRequestData) as refusal:
        kept(sent)
    assert word in refusal.value.detail


@pytest.mark.parametrize(
    "head",
    [
        {"id": "urn:x:1", "@id": "urn:x:2"},
        {"type": "T", "@type": "U"},
        {"type": NULL},
        {"type": ["T", NULL]},
        {"id": NULL},
        {"id": "urn:x:" + "1" * 2500},
        {"id": "urn:x:" + "街" * 840},  # three bytes each
        {"type": "T" * 2500},
        {"a" * 2500: 1},
        {"a": {"value": 1, "datasetId": "urn:x:" + "1" * 2500}},
    ],
)
def test_an_entity_says_its_id_and_types_once_and_briefly(head: dict[str, Any]) -> None:
    with pytest.raises(BadRequestData):
        parse_fragment({"id": "urn:x:1", **head}, CONTEXT)


@pytest.mark.parametrize("head", [{"scope": NULL}, {"scope": [NULL]}, {"expiresAt": NULL}])
def test_null_deletes_scope_and_expiry_in_updates_only(head: dict[str, Any]) -> None:
    assert parse_fragment(head, CONTEXT).null == next(iter(head))
    with pytest.raises(BadRequestData, match="deletes"):
        parse_entity({"id": "urn:x:1", "type": "T", **head}, CONTEXT)


def test_id_and_type_may_be_keywords() -> None:
    fragment = parse_entity({"@id": "urn:x:1", "@type": "T", "id": "urn:x:1"}, CONTEXT)
    assert (fragment.id, fragment.types) == ("urn:x:1", ["https://uri.etsi.org/ngsi-ld/default-context/T"])
