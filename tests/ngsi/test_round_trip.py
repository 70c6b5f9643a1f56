"""Normalized and concise lose nothing (4.5.2.1): read again, they are the same entity. Text never breaks a parser."""

from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from ngsi.entity import Entity, parse_entity
from ngsi.errors import BadRequestData
from ngsi.forms import Format
from ngsi.language import parse_languages
from ngsi.projection import parse_projection
from ngsi.representation import Representation, represent
from tests.ngsi.contexts import context

PLAIN = context()
NAMES = st.sampled_from(["temperature", "住所", "value2", "ex_1", "https://x.example/y"])
URIS = st.sampled_from(["urn:x:1", "urn:x:2", "https://x.example/3"])
MEMBERS = st.sampled_from(["a", "type", "value", "object", "@type", "observedAt", "json", "coordinates", "温度"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=6,
)
# what looks like an attribute is a value all the same when it stands in one
LOOKALIKES = st.sampled_from(
    [{"@type": "Property", "value": 1}, {"type": "Relationship", "object": "urn:x:1"}, {"json": 1}]
)
VALUES = LOOKALIKES | JSON.filter(lambda value: value is not None and value != "urn:ngsi-ld:null")
LEAVES = st.one_of(
    st.fixed_dictionaries({"type": st.just("Property"), "value": VALUES}, optional={"unitCode": st.just("CEL")}),
    st.fixed_dictionaries({"type": st.just("Relationship"), "object": URIS | st.lists(URIS, min_size=1, max_size=3)}),
    st.fixed_dictionaries(
        {
            "type": st.just("ListRelationship"),
            "objectList": st.lists(st.fixed_dictionaries({"object": URIS}), max_size=3),
        }
    ),
    st.fixed_dictionaries({"type": st.just("ListProperty"), "valueList": st.lists(JSON, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("JsonProperty"), "json": st.dictionaries(MEMBERS, JSON, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("VocabProperty"), "vocab": NAMES | st.lists(NAMES, min_size=1, max_size=2)}),
    st.just({"type": "LanguageProperty", "languageMap": {"ja": "金沢", "en": ["a", "b"]}}),
    st.just({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.65, 36.57]}}),
)
ATTRIBUTES = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda outer, name, sub: {**outer, name: sub}, LEAVES, NAMES, inner),
    max_leaves=4,
)
ENTITIES = st.dictionaries(NAMES, ATTRIBUTES, max_size=4)


def read(attributes: dict[str, Any]) -> Entity:
    fragment = parse_entity({"id": "urn:x:0", "type": "X", **attributes}, PLAIN)
    return Entity("urn:x:0", fragment.types, fragment.attributes)


def exact(entity: Entity) -> bytes:
    return orjson.dumps(entity.attributes, option=orjson.OPT_SORT_KEYS)


@settings(max_examples=400, deadline=None)
@given(ENTITIES, st.sampled_from(["normalized", "concise"]))
def test_what_is_shown_reads_back_as_it_was(attributes: dict[str, Any], form: Format) -> None:
    try:
        entity = read(attributes)
    except BadRequestData:
        return  # such as a value that looks like a geometry and is none
    shown = represent(entity, PLAIN, Representation(format=form))
    again = read({name: value for name, value in shown.items() if name not in ("id", "type")})
    assert exact(again) == exact(entity)


@settings(max_examples=400, deadline=None)
@given(st.text() | st.text("ab,|{}: ;.()*", max_size=12))
def test_text_is_a_projection_and_languages_or_refused(text: str) -> None:
    for parse in (lambda: parse_projection(text, None, PLAIN), lambda: parse_languages(text)):
        with suppress(BadRequestData):
            parse()
