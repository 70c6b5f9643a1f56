"""The query language rule by rule, asked of one entity (GS CIM 009, 4.9, 4.10, 4.17, 4.19), and where it stops."""

from typing import Any

import pytest

from ngsi.entity import Entity, parse_entity
from ngsi.errors import BadRequestData, TooComplexQuery
from ngsi.query.geo import parse_geo
from ngsi.query.match import match_geo, match_q, match_scopes, match_types
from ngsi.query.pattern import parse_pattern, search
from ngsi.query.q import Condition, Link, Literal, Path, parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import parse_types
from ngsi.query.written import parse_written
from tests.ngsi.contexts import context

CONTEXT = context(Male="http://example.org/Male")


def entity(number: int, **attributes: Any) -> Entity:
    parsed = parse_entity({"id": f"urn:x:{number}", "type": ["T", "U"], **attributes}, CONTEXT)
    return Entity(parsed.id or "", parsed.types, parsed.attributes, parsed.scopes or [])


ROOM = entity(
    1,
    t={"value": 21.5, "observedAt": "2026-06-19T03:50:00Z", "q": {"value": 3}},
    big=2**53 + 1,
    name="金沢",
    yes=True,
    colour={"languageMap": {"en": ["red", "cat"], "de": "rot"}},
    owner={"object": ["urn:x:2", "urn:x:3"]},
    parts={"type": "ListRelationship", "objectList": [{"object": "urn:x:9"}]},
    list=[1, 2, [3]],
    several=[{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}],
    compound={"json": {"a": {"b": 4}, "l": [{"c": 1}], "value": "Overstay"}},
    at={"value": "2018-12-04T12:00:00+09:00"},
    typed={"value": {"@type": "DateTime", "@value": "2018-12-04T12:00:00Z"}},
    day="2018-12-04",
    hour="12:00:00.50Z",
    gender={"type": "VocabProperty", "vocab": "Male"},
    location={"type": "Point", "coordinates": [136.65, 36.57]},
    scope=["/A/B"],
)
OWNER = entity(2, age=40, boss={"object": "urn:x:3"})
BOSS = entity(3, age=50)
KNOWN = {item.id: item for item in (ROOM, OWNER, BOSS)}

HOLDS = [
    "t",
    "!nope",
    "t>21",
    "t>=21.5",
    "t==21.5",
    "t!=21",
    "t==20..22",
    "t==1,21.5",
    "t==1..5,20..22",
    "t!=1..5",
    "big>9007199254740992",
    "big!=9007199254740992",
    "t.q==3",
    "t.observedAt>=2026-06-19T12:50:00+09:00",
    't.observedAt=="2026-06-19T12:50:00.000+09:00"',
    't.observedAt=="2026-06-19T00:00:00Z".."2026-06-20T00:00:00Z"',
    't.observedAt!="2026-06-19"',
    'name=="金沢"',
    "name==金沢",
    'name>"a"',
    "yes==true",
    "yes!=false",
    "yes!=1",
    "colour==cat",
    "colour[en]==red",
    "colour[*]==rot",
    "colour[en]!=rot",
    'colour=="blue","rot"',
    "owner==urn:x:3",
    'owner=="urn:x:2"',
    "owner!=urn:x:9",
    "parts==urn:x:9",
    "list==2",
    "list!=3",
    "several==2",
    "several!=1",
    "compound[a.b]==4",
    "compound[l.c]==1",
    'compound[value]=="Overstay"',
    "at==2018-12-04T03:00:00Z",
    "at==2018-12-04T03:00:00,000Z",
    "at==2018-12-04T12:00:01,5+09:00,2018-12-04T12:00:00,0+09:00",
    "at==2018-12-04T02:59:59,9Z..2018-12-04T03:00:00,1Z",
    "typed>2018-12-04T11:00:00Z",
    "day<2018-12-05",
    "hour==12:00:00.5Z",
    "hour==12:00:00,5Z",
    "hour==11:00:00Z,12:00:00,50Z",
    "hour>12:00:00Z",
    "day!=2018-12-04T00:00:00Z",
    "gender==http://example.org/Male",
    "name~=^金",
    'name!~="^[a-z]+$"',
    "colour~=^r",
    "( t>30 | t<22 ) ; name",
    '"t"==21.5;!"nope"',
    "t>30|t<22;name",
    "owner{age}",
    "owner{age}==40",
    "owner{T:age}>45",
    "owner{U,V:boss{T:age}}==50",
    "!owner{height}",
]
FAILS = [
    "nope",
    "!t",
    "t>22",
    "t<21.5",
    "t>21.5",
    "t<=21",
    "t>=22",
    "t!=21.5",
    "t!=20..22",
    't=="21.5"',
    't>"1"',
    "t==true",
    "nope!=1",
    "big==9007199254740992",
    "name>5",
    "yes==1",
    "colour[de]==red",
    "colour[en]!=red",
    "colour!=rot",
    "owner>urn:x:1",
    "owner~=^urn",
    "owner!~=^xyz",
    "list==3",
    "list!=2",
    "several==3",
    "compound[a.c]",
    "compound[a]==4",
    "compound[a.b]==true",
    "day==2018-12-04T00:00:00Z",
    "at==2018-12-04",
    't.observedAt!="2026-06-19T12:50:00+09:00"',
    't.observedAt=="2026-06-19"',
    "t!~=x",
    "gender==Male",
    "t>30|(t<22;nope)",
    "owner{V:age}",
    "owner{age}>60",
    "!owner{age}",
    "name{age}",
]


@pytest.mark.parametrize(("text", "wanted"), [*((text, True) for text in HOLDS), *((text, False) for text in FAILS)])
def test_q(text: str, wanted: bool) -> None:
    assert match_q(parse_q(text, CONTEXT), KNOWN.get)(ROOM) is wanted


def test_values_are_expanded_where_the_asker_says() -> None:
    named = frozenset({CONTEXT.attribute("gender")})
    assert match_q(parse_q("gender==Male;name==金沢", CONTEXT, named))(ROOM)


REFUSED = {
    "t>": 2,
    't=="a': 3,
    "(t": 2,
    "t)": 1,
    "t==1;;u": 5,
    "t[": 1,
    "t[]": 1,
    "t{a": 3,
    "t{a}}": 4,
    "!t==1": 2,
    "t~=": 3,
    "t~=(": 1,
    "t>1..2": 3,
    "t>true": 6,
    "t<>1": 2,
    "": 0,
    ";t": 0,
    't=="\\u0000"': 3,
    't=="\\x"': 3,
    "t.observedAt[a]": 15,
    "t==1 2;": 7,
}


@pytest.mark.parametrize(("text", "position"), REFUSED.items())
def test_where_q_stops_making_sense(text: str, position: int) -> None:
    with pytest.raises(BadRequestData) as error:
        parse_q(text, CONTEXT)
    assert f"position {position}" in error.value.detail


@pytest.mark.parametrize(
    "text", ["t==1..true", "t==2018-13-01", "t==1e999", "id==1", "1t==2", "a..b==1", "t\0", "\ud800==1"]
)
def test_what_q_refuses(text: str) -> None:
    with pytest.raises(BadRequestData):
        parse_q(text, CONTEXT)


# what clients write into bodies, and what they mean
WRITTEN = {
    "t>1;a==%22urn:b:1%22": 't>1;a=="urn:b:1"',
    "t%3E40": "t>40",
    "t%3E40%3Bname%3D%3D%22a%20b%22": 't>40;name=="a b"',
    'name=="100%25"': 'name=="100%25"',
    'name=="%22"': 'name=="%22"',
    "a==https://b.example/c%3Dd": "a==https://b.example/c%3Dd",
    "https://b.example/c%3Dd": "https://b.example/c%3Dd",
}


@pytest.mark.parametrize(("text", "meant"), WRITTEN.items())
def test_a_q_that_was_percent_encoded_although_it_is_not_in_a_url(text: str, meant: str) -> None:
    assert parse_written(text, CONTEXT) == (meant, parse_q(meant, CONTEXT))


def test_the_error_of_a_q_that_makes_no_sense_either_way_is_about_what_was_written() -> None:
    with pytest.raises(BadRequestData) as error:
        parse_written("t%3E", CONTEXT)
    assert "t%3E" in error.value.detail


def test_a_q_too_long_or_too_deep() -> None:
    with pytest.raises(TooComplexQuery):
        parse_q(";".join(["t"] * 501), CONTEXT)
    with pytest.raises(BadRequestData):
        parse_q("(" * 41 + "t" + ")" * 41, CONTEXT)


def test_a_linked_entity_in_the_tree() -> None:
    path = Path((CONTEXT.attribute("b"),), None, ("k",), (Link(CONTEXT.attribute("a"), (CONTEXT.expand("T"),)),))
    assert parse_q("a{T:b[k]}==1", CONTEXT) == Condition(path, "==", (Literal("number", 1),))


TYPES = {"T": True, "A,T": True, "A|U": True, "(T;U)": True, "T;A": False, "A|T;U": True, "(A|T);B": False, "A": False}


@pytest.mark.parametrize(("text", "wanted"), TYPES.items())
def test_type_selection(text: str, wanted: bool) -> None:
    selection = parse_types(text, CONTEXT)
    assert selection is not None
    assert match_types(selection)(ROOM) is wanted


SCOPES = {
    "/A/B": True,
    "/A": False,
    "/A/#": True,
    "/A/B/#": True,
    "/#": True,
    "/+/B": True,
    "/+": False,
    "A/B,C": True,
    "(/A/B;/C)|/D": False,
    "/A/+/#": True,
    "/A/+/+": False,
}


@pytest.mark.parametrize(("text", "wanted"), SCOPES.items())
def test_scope_query(text: str, wanted: bool) -> None:
    assert match_scopes(parse_scopes(text))(ROOM) is wanted


@pytest.mark.parametrize("text", ["", "/", "//A", "/A/", "/A B", "/#/A", "/A-B", "/1", "(/A"])
def test_what_scope_queries_refuse(text: str) -> None:
    with pytest.raises(BadRequestData):
        parse_scopes(text)


@pytest.mark.parametrize(
    ("georel", "kind", "coordinates", "wanted"),
    [
        ("near;maxDistance==1", "Point", "[136.65,36.57]", True),
        ("near;maxDistance==1109", "Point", "[136.65,36.58]", False),  # 1109.7 m on the ellipsoid
        ("near;maxDistance==1110", "Point", "[136.65,36.58]", True),
        ("near;minDistance==1109", "Point", "[136.65,36.58]", True),
        ("near;maxDistance==10", "Polygon", [[[136, 36], [137, 36], [137, 37], [136, 37], [136, 36]]], True),
        ("within", "Polygon", [[[136, 36], [137, 37], [137, 36], [136, 37], [136, 36]]], True),
        ("disjoint", "LineString", [[136, 36], [137, 36]], True),
        ("equals", "Point", [136.65, 36.57, 12], True),
    ],
)
def test_geo_query(georel: str, kind: str, coordinates: Any, wanted: bool) -> None:
    query = parse_geo(georel, kind, coordinates, None, CONTEXT)
    assert query is not None
    assert match_geo(query)(ROOM) is wanted
    assert not match_geo(query)(OWNER)  # without the GeoProperty, not even disjoint


PATTERNS = {
    "^urn:ngsi-ld:[A-Z]\\w+:\\d{1,3}$": "urn:ngsi-ld:Room:12",
    "[]a]": "]",
    "[^]a-]": "b",
    "a{": "a{",
    "x|": "",
    "日{2}": "日日",
    "[[:alpha:]_]+\\.": "ab_.",
    "a.b": "a\nb",
    "\\(\\)": "()",
    "(?:ab)+c": "xababc",
    "[\\d.-]+": "-1.5",
}


@pytest.mark.parametrize(("pattern", "text"), PATTERNS.items())
def test_patterns(pattern: str, text: str) -> None:
    assert search(parse_pattern(pattern, "q"))(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)",
        "[a",
        "\\1",
        "(?=a)",
        "(?i)a",
        "a*?",
        "a{2}{3}",
        "a{3,2}",
        "a{256}",
        "^*",
        "[z-a]",
        "[[.a.]]",
        "\\b",
        "\\",
        "((a{50}){50})",
        "(x?){255}",
        "(|a){255}",
        "a" * 1001,
    ],
)
def test_patterns_that_engines_differ_on_or_toil_over(pattern: str) -> None:
    with pytest.raises(BadRequestData):
        parse_pattern(pattern, "q")
