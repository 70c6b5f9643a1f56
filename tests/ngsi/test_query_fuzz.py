"""Whatever text comes as q, type, scopeQ, georel, orderBy or a pattern: it is read, or refused with a 4xx."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ngsi.entity import Entity
from ngsi.errors import NgsiLdError
from ngsi.query.geo import parse_geo
from ngsi.query.match import match_geo, match_q, match_scopes, match_types
from ngsi.query.order import parse_order
from ngsi.query.pattern import parse_pattern, search
from ngsi.query.q import parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import parse_types
from tests.ngsi.contexts import context

CONTEXT = context()
# an attribute of every kind, so that what is read is also asked
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    CONTEXT.attribute("a"): [
        {"type": "Property", "value": 1, CONTEXT.attribute("b"): [{"type": "Property", "value": "x"}]}
    ],
    CONTEXT.attribute("b"): [{"type": "Relationship", "object": ["urn:x:1"], "observedAt": "2026-06-19T03:50:00Z"}],
    CONTEXT.attribute("c"): [{"type": "LanguageProperty", "languageMap": {"en": ["x", "y"], "ja": "金沢"}}],
    CONTEXT.attribute("d"): [
        {"type": "JsonProperty", "json": [{"k": {"l": None}}]},
        {"type": "ListRelationship", "objectList": []},
    ],
    CONTEXT.attribute("location"): [
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.65, 36.57]}}
    ],
}
ENTITY = Entity("urn:x:1", ["urn:t"], ATTRIBUTES, ["/A/B"])

PIECES = [
    "a",
    "b",
    "c",
    "d",
    "金沢",
    "a.b",
    "a[k.l]",
    "c[en]",
    "c[*]",
    "b{A:a}",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ";",
    "|",
    ",",
    "==",
]
PIECES += [
    "!=",
    "~=",
    "!~=",
    ">",
    ">=",
    "<",
    "<=",
    "!",
    "=",
    "~",
    "..",
    "1",
    "-1.5e3",
    "1e999",
    "01",
    '"x"',
    '"',
    "\\",
    '"\\u0000"',
]
PIECES += [
    "true",
    "false",
    "2026-06-19",
    "2026-13-45",
    "03:50:00Z",
    "2026-06-19T03:50:00+09:00",
    "urn:x:1",
    "http://x/y?z=1",
    " ",
]
PIECES += [
    ".observedAt",
    "createdAt",
    "/",
    "#",
    "+",
    "/A",
    "/#",
    "*",
    "\0",
    "\ud800",
    "\u2028",
    "🦀",
    ":",
    "%",
    "^a",
    "(a|b)*",
    "{2,3}",
]
PIECES += [
    "{9999}",
    "[a-z]",
    "[:alpha:]",
    "\\d",
    "\\1",
    "(?=",
    "(?i)",
    "?",
    "$",
    ";asc",
    ";dist-desc",
    "near",
    "maxDistance",
    "within",
]
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=30))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-200, 200), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=8,
)


def _searched(text: str) -> Any:
    return search(parse_pattern(text, "idPattern"))("urn:ngsi-ld:金沢:1")


READERS: list[Callable[[str], Any]] = [
    lambda text: match_q(parse_q(text, CONTEXT), {"urn:x:1": ENTITY}.get)(ENTITY),
    lambda text: match_types(parse_types(text, CONTEXT) or "urn:t")(ENTITY),
    lambda text: match_scopes(parse_scopes(text))(ENTITY),
    lambda text: parse_order(text.split(","), CONTEXT, coordinates=[1, 2]),
    _searched,
]


def status_of(work: Callable[[], Any]) -> int:
    try:
        work()
    except NgsiLdError as error:
        return error.status
    return 200


@pytest.mark.parametrize("read", READERS, ids=["q", "type", "scopeQ", "orderBy", "pattern"])
@settings(max_examples=3500, deadline=None)
@given(text=texts)
def test_any_text(read: Callable[[str], Any], text: str) -> None:
    assert status_of(lambda: read(text)) < 500


@settings(max_examples=3500, deadline=None)
@given(
    relation=st.one_of(texts, st.sampled_from(["within", "near;maxDistance==5", "overlaps"])) | json_values,
    kind=st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon", "MultiPoint", "Circle"]) | json_values,
    coordinates=json_values | st.recursive(st.floats(-180, 180), lambda inner: st.lists(inner, min_size=1, max_size=5)),
    name=st.sampled_from([None, "location", "a", "in valid"]) | json_values,
)
def test_any_geo_query(relation: Any, kind: Any, coordinates: Any, name: Any) -> None:
    def work() -> None:
        query = parse_geo(relation, kind, coordinates, name, CONTEXT)
        if query is not None:
            match_geo(query)(ENTITY)

    assert status_of(work) < 500
