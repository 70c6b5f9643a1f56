"""What a name means and what an IRI is called (JSON-LD 1.1; GS CIM 009, 4.4, 5.5.7)."""

from importlib.resources import files
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngsi import aliases
from ngsi.entity import parse_entity
from ngsi.errors import BadRequestData
from ngsi.jsonld import Context, check_context, compile_context
from tests.ngsi.contexts import core

A = "https://a.example/"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
NGSI = "https://uri.etsi.org/ngsi-ld/"


def compiled(*documents: dict[str, Any]) -> Context:
    return compile_context(documents, core())


@pytest.mark.parametrize(
    ("documents", "name", "iri"),
    [
        ([], "Room", DEFAULT + "Room"),
        ([], "部屋", DEFAULT + "部屋"),
        ([], "https://a.example/x", A + "x"),
        ([], "urn:x:y", "urn:x:y"),
        ([], "ngsi-ld:Property", NGSI + "Property"),
        ([], "location", NGSI + "location"),
        ([{"Room": A + "Room"}], "Room", A + "Room"),
        ([{"Room": {"@id": A + "Room", "@type": "@id"}}], "Room", A + "Room"),
        # prefixes: a simple term that ends in a delimiter, or one that says so
        ([{"a": A}], "a:Room", A + "Room"),
        ([{"a": A, "Room": "a:Hall"}], "Room", A + "Hall"),
        ([{"Room": "a:Hall", "a": A}], "Room", A + "Hall"),
        ([{"a": A + "x"}], "a:Room", "a:Room"),
        ([{"a": {"@id": A}}], "a:Room", "a:Room"),
        ([{"a": {"@id": A + "x", "@prefix": True}}], "a:Room", A + "xRoom"),
        ([{"https": A}], "https://b.example/x", "https://b.example/x"),
        ([{"a": A, "a:b": "https://b.example/b"}], "a:b", "https://b.example/b"),
        ([{"own": "ngsi-ld:own"}], "own", NGSI + "own"),
        # terms by way of terms
        ([{"x": "y", "y": A + "y"}], "x", A + "y"),
        # later documents win, and what was settled before stays
        ([{"t": A + "1"}, {"t": A + "2"}], "t", A + "2"),
        ([{"a": A, "t": "a:t"}, {"a": "https://b.example/"}], "t", A + "t"),
        # null sets a name aside
        ([{"t": A + "1"}, {"t": None}], "t", DEFAULT + "t"),
        ([{"t": {"@id": None}}], "t", DEFAULT + "t"),
        # and so does what is like a keyword and is none
        ([{"t": "@foo"}], "t", DEFAULT + "t"),
        ([{"t": A + "1"}, {"t": {"@id": "@foo"}}], "t", DEFAULT + "t"),
        ([{"@foo": A + "t", "@bar": 5}], "@foo", DEFAULT + "@foo"),
        # @vocab is for the context's own terms; the core context has the last word on the others
        ([{"@vocab": A, "t": {"@type": "@id"}}], "t", A + "t"),
        ([{"@vocab": A, "t": {"@id": "u"}}], "t", A + "u"),
        ([{"@vocab": A}], "t", DEFAULT + "t"),
        ([{"@vocab": A}, {"@vocab": None, "t": {"@type": "@id"}}], "t", DEFAULT + "t"),
        ([{"@base": A, "@language": "ja", "@version": 1.1, "t": A + "t"}], "t", A + "t"),
        # core terms cannot be redefined (4.4)
        ([{"location": A + "place"}], "location", NGSI + "location"),
        ([{"Property": A + "Property", "observedAt": A + "at"}], "observedAt", NGSI + "observedAt"),
        ([{"ngsi-ld": A}], "ngsi-ld:Property", NGSI + "Property"),
        # other languages
        ([{"Raum": A + "Room", "Temperatur": A + "t"}], "Temperatur", A + "t"),
        ([{"部屋": A + "Room", "a": A, "気温": "a:気温"}], "気温", A + "気温"),
        ([{"場所": NGSI + "location"}], "場所", NGSI + "location"),
    ],
)
def test_expansion(documents: list[dict[str, Any]], name: str, iri: str) -> None:
    assert compiled(*documents).expand(name) == iri


@pytest.mark.parametrize(
    ("documents", "iri", "name"),
    [
        ([], DEFAULT + "Room", "Room"),
        ([], A + "Room", A + "Room"),
        ([], NGSI + "location", "location"),
        ([], NGSI + "unknown", "ngsi-ld:unknown"),
        ([{"Room": A + "Room"}], A + "Room", "Room"),
        # a short name with another meaning must not come back
        ([{"Room": A + "Room"}], DEFAULT + "Room", "ngsi-ld:default-context/Room"),
        ([{"t": None}], DEFAULT + "t", "t"),
        # the shortest name, then the first by code point; one that coerces its values comes last
        ([{"room": A + "Room", "Raum": A + "Room", "hall": A + "Room"}], A + "Room", "Raum"),
        ([{"b": A + "t", "a": A + "t"}], A + "t", "a"),
        ([{"t": {"@id": A + "t", "@type": "DateTime"}, "temperature": A + "t"}], A + "t", "temperature"),
        ([{"t": {"@id": A + "t", "@container": "@set"}, "temperature": A + "t"}], A + "t", "temperature"),
        ([{"t": {"@id": A + "t", "@type": "DateTime"}}], A + "t", "t"),
        ([{"t": {"@id": A + "t", "@type": "@id"}, "temperature": A + "t"}], A + "t", "t"),
        # compact IRIs
        ([{"a": A}], A + "Room", "a:Room"),
        ([{"a": A, "abc": A + "b/"}], A + "b/c", "a:b/c"),
        ([{"a": A, "a:Room": "https://b.example/"}], A + "Room", A + "Room"),
        ([{"a": A + "x"}], A + "xRoom", A + "xRoom"),
        ([{"a": {"@id": A}}], A + "Room", A + "Room"),
        ([{"a": A}], A, "a"),
        # a term for what has no other name; reverse terms name nothing forward
        ([{"of": {"@reverse": A + "has"}}], A + "has", A + "has"),
        ([{"場所": NGSI + "location"}], NGSI + "location", "location"),
        ([{"気温": A + "t"}], A + "t", "気温"),
    ],
)
def test_compaction(documents: list[dict[str, Any]], iri: str, name: str) -> None:
    assert compiled(*documents).compact(iri) == name


@pytest.mark.parametrize(
    ("documents", "word"),
    [
        ([{"t": 5}], "'t'"),
        ([{"t": []}], "'t'"),
        ([{"t": {"@id": 5}}], "@id"),
        ([{"t": {"@type": ["@id"]}}], "@type"),
        ([{"t": {"@id": A, "@context": {}}}], "scoped"),
        ([{"a": "b", "b": "a"}], "itself"),
        ([{"a": "b:x", "b": "a:x"}], "itself"),
        ([{"": A}], "name"),
        ([{"t": A + " "}], "not an IRI"),
        ([{"t": A + "\n"}], "not an IRI"),
        ([{"t": A + "<"}], "not an IRI"),
        ([{"@vocab": 5}], "@vocab"),
        ([{"@version": 1.0}], "@version is the number 1.1"),
        ([{"@version": "1.1"}], "@version"),
        ([{"@language": 5}], "@language"),
        ([{"@direction": "up"}], "@direction"),
        ([{"@propagate": 1}], "@propagate"),
        ([{"@protected": "yes"}], "@protected"),
        ([{"@type": A}], "@type"),
        ([{"@type": {"@container": "@list"}}], "@type"),
        ([{"@id": A}], "@id is a keyword"),
        ([{"@context": {"t": A}}], "@context is a keyword"),
        ([{"t": "@context"}], "'t'"),
        ([{"t": {"@id": A, "foo": 1}}], "term 't' has 'foo'"),
        ([{"t": {"@id": A, "@foo": 1}}], "'@foo'"),
        ([{"t": {"@id": A, "@container": "@foo"}}], "term 't': @container"),
        ([{"t": {"@id": A, "@container": ["@list", "@set"]}}], "@container"),
        ([{"t": {"@id": A, "@container": []}}], "@container"),
        ([{"t": {"@id": A, "@container": [[]]}}], "@container"),
        ([{"t": {"@id": A, "@type": "fo o"}}], "'fo o', which is not an IRI"),
        ([{"t": {"@id": A, "@type": "@list"}}], "@list"),
        ([{"@vocab": A, "t": {"@type": "@foo"}}], "@foo"),
        ([{"t": {"@id": A, "@prefix": 5}}], "term 't': @prefix is true or false"),
        ([{"t": {"@id": A, "@protected": 0}}], "@protected"),
        ([{"t": {"@id": A, "@nest": "@id"}}], "@nest"),
        ([{"t": {"@id": A, "@index": 5}}], "@index"),
        ([{"t": {"@id": A, "@language": []}}], "@language"),
        ([{"t": {"@id": A, "@direction": 5}}], "@direction"),
        ([{"t": {"@id": A, "@reverse": A + "u"}}], "@id beside @reverse"),
        ([{"t": {"@nest": "u", "@reverse": A + "u"}}], "@nest beside @reverse"),
        ([{"t": {"@id": A + "1", "@protected": True}}, {"t": A + "2"}], "protected"),
        ([{"@protected": True, "t": A + "1"}, {"t": None}], "protected"),
    ],
)
def test_definitions_that_are_none(documents: list[dict[str, Any]], word: str) -> None:
    with pytest.raises(BadRequestData) as caught:
        compiled(*documents)
    assert word in caught.value.detail


@pytest.mark.parametrize(
    "definition",
    [
        {"@id": A + "t", "@type": kind}
        for kind in (None, "@id", "@vocab", "@json", "@none", "DateTime", "x:date", "Date", "urn:x:y", "own", "uri")
    ]
    + [
        {"@id": A + "t", "@container": container}
        for container in (None, "@set", "@list", ["@set", "@language"], ["@graph", "@id", "@set"], ["@index"])
    ]
    + [
        {"@id": A + "t", "@language": "ja", "@direction": "rtl", "@protected": False, "@prefix": True},
        {"@id": A + "t", "@language": None, "@direction": None, "@nest": "@nest", "@index": "Date"},
        {"@id": A + "t", "@nest": "props"},
    ],
)
def test_definitions_that_the_world_has(definition: dict[str, Any]) -> None:
    terms = {"own": definition, "x": "https://x.example/", "Date": "x:Date", "uri": "@id", "@version": 1.1}
    kept = {"@type": {"@container": "@set", "@protected": True}, "@language": None, "@direction": "ltr"}
    assert compiled({**terms, **kept, "@propagate": True, "@protected": False}).expand("own") == A + "t"


def test_a_type_may_be_in_the_vocabulary() -> None:
    assert compiled({"@vocab": A, "t": {"@type": "foo"}}).expand("t") == A + "t"
    assert compiled({"t": {"@id": A + "t", "@type": "foo"}}).expand("t") == A + "t"


@pytest.mark.parametrize("version", range(3, 10))
def test_the_core_contexts_are_contexts(version: int) -> None:
    text = files("ngsi").joinpath("contexts", f"ngsi-ld-core-context-v1.{version}.jsonld").read_bytes()
    terms = {term: it for term, it in orjson.loads(text)["@context"].items() if term != "ngsildproof"}
    check_context(terms)
    assert compiled(terms).expand("location") == NGSI + "location"


def test_protected_terms_may_be_repeated() -> None:
    once = {"@protected": True, "t": A + "t"}
    assert compiled(once, once, {"t": A + "t"}).expand("t") == A + "t"


def test_core_copies_are_passed_over() -> None:
    assert compiled(core(), {"t": A + "t"}).expand("t") == A + "t"


GERMAN = {
    "ID": "@id",
    "Typ": "@type",
    "Raum": A + "Room",
    "Temperatur": A + "t",
    "Eigenschaft": NGSI + "Property",
    "Wert": NGSI + "hasValue",
    "beobachtet": NGSI + "observedAt",
    "Genauigkeit": A + "accuracy",
}


def test_aliases_of_the_standards_members_are_understood() -> None:
    reading = {"Typ": "Eigenschaft", "Wert": {"ID": "stays"}, "beobachtet": "2026-06-19T03:50:00Z"}
    body = {"ID": "urn:x:1", "Typ": "Raum", "Temperatur": {**reading, "Genauigkeit": {"Wert": 1}}, "x": {"ID": "kept"}}
    context = compiled(GERMAN)
    aliases.resolve(body, context)
    fragment = parse_entity(body, context)
    assert (fragment.id, fragment.types) == ("urn:x:1", [A + "Room"])
    [temperature] = fragment.attributes[A + "t"]
    assert temperature["value"] == {"ID": "stays"}
    assert temperature["observedAt"] == "2026-06-19T03:50:00Z"
    assert temperature[A + "accuracy"][0]["value"] == 1
    assert fragment.attributes[DEFAULT + "x"][0]["value"] == {"ID": "kept"}
    assert context.compact(A + "t") == "Temperatur"


def test_a_member_named_twice_is_refused() -> None:
    with pytest.raises(BadRequestData):
        aliases.resolve({"id": "urn:x:1", "ID": "urn:x:2"}, compiled(GERMAN))


NAMES = st.sampled_from(
    ["a", "b", "Room", "t", "気温", "a:x", "b:y", "@vocab", "@id", "@foo", "location", "", "ngsi-ld"]
)
IRIS = st.sampled_from([A, A + "x", "a:x", "b:", "t", "urn:x:", "_:b", "@id", "@type", DEFAULT + "t", "", " ", "気温"])
DEFINITIONS = st.one_of(
    IRIS,
    st.none(),
    st.dictionaries(st.sampled_from(["@id", "@type", "@prefix", "@container", "@protected"]), IRIS | st.booleans()),
)


@given(st.lists(st.dictionaries(NAMES, DEFINITIONS, max_size=6), max_size=3), st.lists(NAMES | IRIS, max_size=8))
def test_any_context_is_compiled_or_refused_and_names_survive(documents: list[Any], names: list[str]) -> None:
    try:
        context = compiled(*documents)
    except BadRequestData:
        return
    for name in filter(None, names):
        iri = context.expand(name)
        assert context.expand(context.compact(iri)) == iri
