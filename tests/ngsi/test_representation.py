"""Every attribute kind in every form (4.5.2 to 4.5.5, 4.5.18 to 4.5.24), projection, language, datasetId, expiry."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ngsi.entity import Entity, parse_entity
from ngsi.errors import BadRequestData
from ngsi.expiry import unexpired
from ngsi.forms import Format
from ngsi.language import parse_languages
from ngsi.projection import parse_projection
from ngsi.representation import Representation, represent
from tests.ngsi.contexts import context

PLAIN = context()
NOW = datetime(2026, 6, 19, 12, tzinfo=UTC)
EN_FR = {"en": "Grand Square", "fr": "Grand Place"}
POINT = {"type": "Point", "coordinates": [136.65, 36.57]}


def entity(**attributes: Any) -> Entity:
    fragment = parse_entity({"id": "urn:ngsi-ld:V:1", "type": "V", **attributes}, PLAIN)
    assert fragment.id is not None
    return Entity(
        fragment.id, fragment.types, fragment.attributes, fragment.scopes or [], NOW, NOW, fragment.expires_at
    )


def shown(of: Entity, **wanted: Any) -> dict[str, Any]:
    return represent(of, PLAIN, Representation(**wanted))


@pytest.mark.parametrize(
    ("normalized", "concise", "simplified"),
    [
        ({"type": "Property", "value": "金沢"}, "金沢", "金沢"),
        ({"type": "Property", "value": 0}, 0, 0),
        ({"type": "Property", "value": False}, False, False),
        ({"type": "Property", "value": ""}, "", ""),
        ({"type": "Property", "value": []}, [], []),
        ({"type": "Property", "value": {"street": "Hirosaka"}}, {"street": "Hirosaka"}, {"street": "Hirosaka"}),
        ({"type": "Property", "value": [{"a": 1}, {"b": None}]}, [{"a": 1}, {"b": None}], [{"a": 1}, {"b": None}]),
        # a bare value that would be read as something else keeps its member
        ({"type": "Property", "value": {"type": "x"}}, {"value": {"type": "x"}}, {"type": "x"}),
        ({"type": "Property", "value": {"value": 1}}, {"value": {"value": 1}}, {"value": 1}),
        ({"type": "Property", "value": [{"object": 1}]}, {"value": [{"object": 1}]}, [{"object": 1}]),
        ({"type": "GeoProperty", "value": POINT}, POINT, POINT),
        ({"type": "Property", "value": POINT}, {"type": "Property", "value": POINT}, POINT),
        ({"type": "Property", "value": 5, "unitCode": "CEL"}, {"value": 5, "unitCode": "CEL"}, 5),
        (
            {"type": "Property", "value": 5, "observedAt": "2026-06-19T03:50:00Z"},
            {"value": 5, "observedAt": "2026-06-19T03:50:00Z"},
            5,
        ),
        ({"type": "Property", "value": 5, "valueType": "Integer"}, {"value": 5, "valueType": "Integer"}, 5),
        ({"type": "Relationship", "object": "urn:x:1"}, {"object": "urn:x:1"}, "urn:x:1"),
        (
            {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"], "objectType": "City"},
            {"object": ["urn:x:1", "urn:x:2"], "objectType": "City"},
            ["urn:x:1", "urn:x:2"],
        ),
        ({"type": "LanguageProperty", "languageMap": EN_FR}, {"languageMap": EN_FR}, {"languageMap": EN_FR}),
        ({"type": "VocabProperty", "vocab": "Male"}, {"vocab": "Male"}, {"vocab": "Male"}),
        ({"type": "VocabProperty", "vocab": ["a", "b"]}, {"vocab": ["a", "b"]}, {"vocab": ["a", "b"]}),
        ({"type": "ListProperty", "valueList": [1, [2]]}, {"valueList": [1, [2]]}, [1, [2]]),
        ({"type": "ListProperty", "valueList": []}, {"valueList": []}, []),
        (
            {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]},
            {"objectList": ["urn:x:1", "urn:x:2"]},
            ["urn:x:1", "urn:x:2"],
        ),
        (
            {"type": "JsonProperty", "json": {"id": "x", "value": None}},
            {"json": {"id": "x", "value": None}},
            {"json": {"id": "x", "value": None}},
        ),
        (
            {
                "type": "Property",
                "value": 1,
                "trust": {
                    "type": "Property",
                    "value": 0.7,
                    "by": {"type": "Relationship", "object": "urn:x:1", "at": {"type": "GeoProperty", "value": POINT}},
                },
            },
            {"value": 1, "trust": {"value": 0.7, "by": {"object": "urn:x:1", "at": POINT}}},
            1,
        ),
    ],
)
def test_every_kind_in_every_form(normalized: Any, concise: Any, simplified: Any) -> None:
    one = entity(a=normalized)
    assert shown(one) == {"id": "urn:ngsi-ld:V:1", "type": "V", "a": normalized}
    assert shown(one, format="concise")["a"] == concise
    assert shown(one, format="simplified")["a"] == simplified
    # concise loses nothing: read again it is the same
    assert entity(a=concise).attributes == one.attributes


def test_instances_of_a_multi_attribute() -> None:
    one = entity(
        name=[
            {"type": "Property", "value": "David"},
            {"type": "Property", "value": "Ziggy", "datasetId": "urn:d:1"},
            {"type": "Relationship", "object": "urn:x:1", "datasetId": "urn:d:2"},
        ]
    )
    assert [item.get("datasetId") for item in shown(one)["name"]] == [None, "urn:d:1", "urn:d:2"]
    assert shown(one, format="concise")["name"] == [
        {"value": "David"},
        {"value": "Ziggy", "datasetId": "urn:d:1"},
        {"object": "urn:x:1", "datasetId": "urn:d:2"},
    ]
    assert shown(one, format="simplified")["name"] == {
        "dataset": {"@none": "David", "urn:d:1": "Ziggy", "urn:d:2": "urn:x:1"}
    }
    only = shown(one, format="simplified", datasets=frozenset({"urn:d:1"}))
    assert only["name"] == {"dataset": {"urn:d:1": "Ziggy"}}


def test_an_explicit_default_dataset_is_never_shown() -> None:
    assert shown(entity(a={"value": 1, "datasetId": "@none"}))["a"] == {"type": "Property", "value": 1}


def test_types_scopes_and_names_are_compacted() -> None:
    said = replace(entity(a={"vocab": "Male"}), types=["https://x.example/Car", "https://x.example/Auto"])
    named = context(Auto="https://x.example/Auto", m="https://uri.etsi.org/ngsi-ld/default-context/Male")
    body = represent(replace(said, scopes=["/A", "/B"]), named, Representation())
    assert body["type"] == ["https://x.example/Car", "Auto"]
    assert body["scope"] == ["/A", "/B"]
    assert body["a"]["vocab"] == "m"
    assert represent(replace(said, scopes=["/A"]), named, Representation())["scope"] == "/A"


def test_a_shadowed_term_comes_back_as_compact_iri() -> None:
    body = represent(entity(a=1), context(a="https://x.example/a"), Representation())
    assert body["ngsi-ld:default-context/a"] == {"type": "Property", "value": 1}


STAMPED = {"type": "Property", "value": 1, "createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize("form", ["normalized", "concise"])
def test_system_attributes_on_every_level_and_only_when_asked(form: Format) -> None:
    said = entity(a=1, expiresAt="2027-01-01T00:00:00Z")
    (iri,) = said.attributes
    inner = {**STAMPED, "expiresAt": "2027-01-01T00:00:00Z"}
    said.attributes[iri] = [{**inner, iri: [dict(inner)]}]
    hidden = shown(said, format=form)
    assert not {"createdAt", "modifiedAt", "expiresAt"} & {*hidden, *hidden["a"]}
    seen = shown(said, format=form, sys_attrs=True)
    assert seen["createdAt"] == "2026-06-19T12:00:00Z"
    assert seen["expiresAt"] == "2027-01-01T00:00:00Z"
    for level in (seen["a"], seen["a"]["a"]):
        assert level["createdAt"] == "2026-01-01T00:00:00Z"
        assert level["modifiedAt"] == "2026-01-02T00:00:00Z"
        assert level["expiresAt"] == "2027-01-01T00:00:00Z"


def test_simplified_with_system_attributes_has_those_of_the_entity() -> None:
    assert shown(entity(a=1), format="simplified", sys_attrs=True) == {
        "id": "urn:ngsi-ld:V:1",
        "type": "V",
        "createdAt": "2026-06-19T12:00:00Z",
        "modifiedAt": "2026-06-19T12:00:00Z",
        "a": 1,
    }


@pytest.mark.parametrize("number", ["9007199254740991", "1.222e-11", "1.0", "18446744073709551615", "-0.1", "1e300"])
def test_numbers_come_back_exactly(number: str) -> None:
    body = orjson.dumps(shown(entity(a=orjson.loads(number)), format="simplified"))
    assert orjson.dumps(orjson.loads(number)) in body
    assert orjson.loads(body)["a"] == orjson.loads(number)


@pytest.mark.parametrize(
    ("pick", "omit", "members"),
    [
        ("a", None, {"a"}),
        ("id,a", None, {"id", "a"}),
        ("id|type|scope", None, {"id", "type", "scope"}),
        (" a , b ", None, {"a", "b"}),
        ("unknown", None, set()),
        ("createdAt,a", None, {"createdAt", "a"}),
        (None, "a", {"id", "type", "scope", "createdAt", "modifiedAt", "b"}),
        (None, "id,type,createdAt,modifiedAt", {"scope", "a", "b"}),
        ("a,b", "c", {"a", "b"}),
        ("https://uri.etsi.org/ngsi-ld/default-context/a", None, {"a"}),
    ],
)
def test_projection(pick: str | None, omit: str | None, members: set[str]) -> None:
    said = replace(entity(a=1, b=2), scopes=["/A"])
    body = shown(said, sys_attrs=True, projection=parse_projection(pick, omit, PLAIN))
    assert body.keys() == members


@pytest.mark.parametrize(
    "text",
    [
        "id;name",
        "a{b",
        "a{{b}",
        "id,,b",
        "a{}",
        "a}",
        ",a",
        "a,",
        "a b",
        "a{b}c",
        "id{a}",
        "(a)",
        "a||b",
        "observedAt",
        "",
    ],
)
def test_malformed_projections_are_refused(text: str) -> None:
    for pick, omit, name in ((text, None, "pick"), (None, text, "omit")):
        with pytest.raises(BadRequestData) as raised:
            parse_projection(pick, omit, PLAIN)
        assert raised.value.detail.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("pick", "omit"), [("a,b", "b"), ("id,a", "a{n},a"), ("a", "a,a{n}"), ("a{n}", "a"), ("a{n},a", "a")]
)
def test_a_member_is_not_picked_and_omitted(pick: str, omit: str) -> None:
    with pytest.raises(BadRequestData, match="pick too"):
        parse_projection(pick, omit, PLAIN)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a,a{n}", "a"),
        ("a{n},a", "a"),
        ("a{n},a,a{m}", "a"),
        ("a{n},a{m}", "a{n,m}"),
        ("a{b{n}},a{b{m},c}", "a{c,b{m,n}}"),
        ("a{b},a{b{n}}", "a{b}"),
    ],
)
def test_a_member_said_twice(text: str, same: str) -> None:
    assert parse_projection(text, None, PLAIN) == parse_projection(same, None, PLAIN)
    assert parse_projection(None, text, PLAIN) == parse_projection(None, same, PLAIN)


def test_nested_projection_reaches_the_linked_entities() -> None:
    name = PLAIN.attribute
    picking = parse_projection("owner{name,home{id}},age", None, PLAIN)
    assert picking.depth == 2
    owner = picking.linked(name("owner"))
    assert owner.shows(name("name"))
    assert not owner.shows("id")
    assert owner.linked(name("home")).shows("id")
    assert picking.linked(name("friend")).shows(name("age"))  # without braces the same holds for all
    omitting = parse_projection(None, "age,owner{name}", PLAIN)
    assert omitting.shows(name("owner"))
    assert not omitting.linked(name("owner")).shows(name("name"))
    assert not omitting.linked(name("owner")).shows(name("age"))
    assert omitting.linked(name("friend")).shows(name("name"))


@pytest.mark.parametrize(
    ("wanted", "tags", "chosen"),
    [
        ("en", ["fr", "en"], "en"),
        ("EN", ["fr", "en"], "en"),
        ("fr-CH,fr", ["en", "fr"], "fr"),
        ("fr-CH,fr;q=0.9,en;q=0.8,*;q=0.5", ["en", "fr"], "fr"),
        ("en;q=0.5,ja", ["en", "ja"], "ja"),
        ("de-Latn-DE-1996", ["en", "de-Latn", "de"], "de-Latn"),
        ("zh-Hant-CN-x-private1", ["en", "zh-Hant-CN"], "zh-Hant-CN"),
        ("zh-Hant-x-private1", ["zh", "zh-Hant-x"], "zh"),
        ("*", ["ja", "en"], "ja"),
        ("de", ["en", "@none", "ja"], "@none"),
        ("de", ["en", "de-AT"], "de-AT"),
        ("de", ["en", "ja"], "en"),
        ("en;q=0,*", ["en", "ja"], "ja"),
        ("en;q=0", ["en"], "en"),
        ("ja-jp", ["ja-JP", "en"], "ja-JP"),
        ("fr", ["de", "en", "ja"], "en"),
        ("fr,en;q=0", ["de", "en"], "de"),
    ],
)
def test_language_look_up(wanted: str, tags: list[str], chosen: str) -> None:
    assert parse_languages(wanted).choose(tags) == chosen


@pytest.mark.parametrize(
    "text", ["", "en,", "e n", "en;q=2", "en;q=0.1234", "englishlanguage", "*-CH", "en;level=1", "日本語"]
)
def test_bad_language_ranges_are_refused(text: str) -> None:
    with pytest.raises(BadRequestData, match="lang"):
        parse_languages(text)


def test_a_language_property_becomes_a_property() -> None:
    inner = {"type": "LanguageProperty", "languageMap": {"ja": ["右", "左"], "en": "right"}}
    one = entity(
        street={"type": "LanguageProperty", "languageMap": EN_FR, "observedAt": "2026-06-19T03:50:00Z", "side": inner}
    )
    french = parse_languages("fr,ja;q=0.9")
    assert shown(one, languages=french)["street"] == {
        "type": "Property",
        "value": "Grand Place",
        "lang": "fr",
        "observedAt": "2026-06-19T03:50:00Z",
        "side": {"type": "Property", "value": ["右", "左"], "lang": "ja"},
    }
    assert shown(one, languages=french, format="concise")["street"]["lang"] == "fr"
    assert shown(one, languages=french, format="simplified")["street"] == "Grand Place"
    assert shown(one)["street"]["type"] == "LanguageProperty"  # the stored entity is untouched


@pytest.mark.parametrize(
    ("datasets", "values"),
    [({"@none"}, 1), ({"urn:d:1"}, 2), ({"@none", "urn:d:1"}, [1, 2]), ({"urn:d:9"}, None)],
)
def test_only_the_wanted_datasets(datasets: set[str], values: Any) -> None:
    one = entity(a=[{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}], b={"value": 3, "datasetId": "urn:d:8"})
    body = shown(one, datasets=frozenset(datasets))
    assert "b" not in body
    if values is None:
        assert body == {"id": "urn:ngsi-ld:V:1", "type": "V"}
    else:
        found = body["a"] if isinstance(body["a"], list) else [body["a"]]
        assert [item["value"] for item in found] == (values if isinstance(values, list) else [values])


def test_expired_instances_and_sub_attributes_are_gone() -> None:
    over, due, later = "2026-06-19T11:59:59Z", "2026-06-19T12:00:00Z", "2026-06-19T12:00:01Z"
    one = entity(
        gone={"value": 1, "expiresAt": over},
        due={"value": 1, "expiresAt": due},
        kept={"value": 1, "expiresAt": later},
        some=[{"value": 1, "expiresAt": over}, {"value": 2, "datasetId": "urn:d:1"}],
        deep={
            "value": 1,
            "sub": {"value": 2, "inner": {"value": 3, "expiresAt": over}},
            "off": {"value": 4, "expiresAt": over},
        },
    )
    body = shown(unexpired(one, NOW))
    assert body.keys() == {"id", "type", "kept", "some", "deep"}
    assert body["some"] == {"type": "Property", "value": 2, "datasetId": "urn:d:1"}
    assert body["deep"] == {"type": "Property", "value": 1, "sub": {"type": "Property", "value": 2}}
    calm = entity(a=1, b={"value": 2, "c": {"value": 3}})
    assert unexpired(calm, NOW) is calm
