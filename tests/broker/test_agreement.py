"""One question, two readers: SQL and the matcher in memory answer the same, whatever entity and query."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broker.store import candidates, compile, indexes
from broker.store.db import Database
from ngsi.entity import Entity, parse_entity
from ngsi.errors import NgsiLdError
from ngsi.query.entities import EntityQuery, EntitySelector, Page
from ngsi.query.geo import parse_geo
from ngsi.query.match import match
from ngsi.query.order import parse_order
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import parse_types
from tests.broker.databases import database
from tests.ngsi.contexts import context
from tests.ngsi.test_query_fuzz import PIECES

CONTEXT = context()
NOW = datetime(2026, 6, 19, 3, 50, tzinfo=UTC)

NUMBERS = [0, -0.0, 1, 1.0, 1.5, -3, 40, 2**53 - 1, 2**53 + 1, 2**63, 2**64 - 1, 9.223372036854775e18, 0.1, 1e22]
NUMBERS += [1.222e-11, 1e308, 5e-324, -1e-7, 1.2345678901234568e29]
TEXTS = [
    "",
    "1",
    "true",
    "40",
    "金沢",
    "日本",
    'a;b|(c)"\\',
    "a\u2028b",
    "%_",
    "line\nbreak",
    "é",
    "e\u0301",
    "🦀",
    "null",
]
TEXTS += ["urn:x:1", "urn:x:2", "https://example.org/a?b=c", "2018-12-04", "12:00:00Z", "12:00:00.50Z", "2018-02-30"]
TIMES = ["2018-12-04T12:00:00Z", "2018-12-04T21:00:00+09:00", "2018-12-04T12:00:00.5Z", "2018-12-04T12:00:00.50Z"]
TIMES += ["2018-02-30T12:00:00Z", "0001-01-01T00:00:00+09:00", "2018-12-04T12:00:00", "2018-12-04T24:00:00Z"]
TIMES += ["0000-01-01T00:00:00Z"]
SCALARS = st.sampled_from([*NUMBERS, *TEXTS, *TIMES, True, False])
NAMES = ["a", "b", "c"]
PLACES = [[136.6, 36.5], [136.65, 36.57], [136.7, 36.6], [137.0, 36.0], [-170.0, -10.0], [179.9, 0.0], [0.0, 89.0]]
SHAPES: list[dict[str, Any]] = [{"type": "Point", "coordinates": place} for place in PLACES]
SHAPES += [
    {"type": "MultiPoint", "coordinates": PLACES[:2]},
    {"type": "LineString", "coordinates": PLACES[:3]},
    {"type": "LineString", "coordinates": [[136.6, 36.6], [136.7, 36.5]]},
    {"type": "Polygon", "coordinates": [[[136, 36], [137, 36], [137, 37], [136, 37], [136, 36]]]},
    {"type": "Polygon", "coordinates": [[[136.5, 36.5], [137.5, 36.5], [137.5, 37.5], [136.5, 37.5], [136.5, 36.5]]]},
    {"type": "Polygon", "coordinates": [[[136, 36], [137, 37], [137, 36], [136, 37], [136, 36]]]},  # crosses itself
    {"type": "Polygon", "coordinates": [[[136, 36], [137, 36], [136, 36], [136, 36]]]},  # has no area
    {
        "type": "Polygon",
        "coordinates": [
            [[136, 36], [137, 36], [137, 37], [136, 37], [136, 36]],
            [[136.6, 36.4], [136.8, 36.4], [136.8, 36.7], [136.6, 36.7], [136.6, 36.4]],
        ],
    },
    {"type": "LineString", "coordinates": [[-90, 0], [90, 0]]},  # half around the Earth
]

values = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["k", "l", "en", "@value", "type"]), inner, max_size=2),
    ),
    max_leaves=4,
)
uris = st.sampled_from(["urn:x:1", "urn:x:2", "urn:x:3", "https://example.org/a?b=c"])
texts = st.sampled_from([*TEXTS, *TIMES])


def one_or_more(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(items, st.lists(items, min_size=1, max_size=3))


bearers = st.one_of(
    st.fixed_dictionaries({"value": values}),
    st.fixed_dictionaries({"type": st.just("Property"), "value": values, "unitCode": st.just("CEL")}),
    st.fixed_dictionaries({"object": one_or_more(uris)}),
    st.fixed_dictionaries(
        {"languageMap": st.dictionaries(st.sampled_from(["en", "ja", "@none"]), one_or_more(texts), min_size=1)}
    ),
    st.fixed_dictionaries({"vocab": one_or_more(st.sampled_from(["Male", "Female"]))}),
    st.fixed_dictionaries({"valueList": st.lists(values, max_size=3)}),
    st.fixed_dictionaries({"objectList": st.lists(st.fixed_dictionaries({"object": uris}), max_size=2)}),
    st.fixed_dictionaries({"json": st.one_of(st.lists(values, max_size=2), st.fixed_dictionaries({"k": values}))}),
    st.fixed_dictionaries({"type": st.just("GeoProperty"), "value": st.sampled_from(SHAPES)}),
)
stamped = st.builds(
    lambda bearer, more: bearer | more,
    bearers,
    st.fixed_dictionaries({}, optional={"observedAt": st.sampled_from(TIMES[:4])}),
)


def _with_dataset(instances: list[dict[str, Any]]) -> Any:
    return [item | ({"datasetId": f"urn:d:{place}"} if place else {}) for place, item in enumerate(instances)]


attributes = st.one_of(stamped, st.lists(stamped, min_size=1, max_size=3).map(_with_dataset))
nested = st.builds(
    lambda instance, sub: instance | sub, stamped, st.dictionaries(st.sampled_from(NAMES), attributes, max_size=2)
)
geo_property = st.builds(lambda shape: {"type": "GeoProperty", "value": shape}, st.sampled_from(SHAPES))
documents = st.builds(
    lambda body, more: body | more,
    st.dictionaries(st.sampled_from(NAMES), st.one_of(attributes, nested), max_size=3),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["A", "B", ["A", "B"], ["A", "C"]])},
        optional={
            "location": st.one_of(geo_property, st.lists(geo_property, min_size=1, max_size=2).map(_with_dataset)),
            "scope": one_or_more(st.sampled_from(["/A", "/A/B", "/A/B/C", "/金沢/C", "/B"])),
        },
    ),
)

literals = st.one_of(
    st.sampled_from(NUMBERS).map(repr),
    st.sampled_from([*TEXTS, *TIMES[:4]]).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(TIMES[:4]),
    st.sampled_from(
        ["2018-12-04", "2018-12-05", "12:00:00Z", "12:00:00.5Z", "true", "false", "urn:x:1", "Male", "金沢"]
    ),
)
ordered = literals.filter(lambda text: text not in ("true", "false"))
paths = st.builds(
    lambda names, tail: ".".join(names) + tail,
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
    st.sampled_from(["", "", "", "[k]", "[k.l]", "[en]", "[*]", ".observedAt", ".unitCode", ".datasetId"]),
)
linked = st.builds(lambda name, types, path: f"{name}{{{types}{path}}}", st.sampled_from(NAMES),
                   st.sampled_from(["", "A:", "B,C:"]), paths)  # fmt: skip
patterns = st.sampled_from(
    ["^urn", "[0-9]+", "金", "^$", "a.b", "\\d{4}-\\d{2}", "(a|b)*;?", "[^a-z]", "\\s", "e\\W", "^.$", "[[:alpha:]]"]
)
terms = st.one_of(
    st.builds(lambda p, s, v: f"{p}{s}{v}", paths | linked, st.sampled_from(["==", "!="]), literals),
    st.builds(lambda p, s, v: f"{p}{s}{','.join(v)}", paths, st.sampled_from(["==", "!="]),
              st.lists(literals, min_size=2, max_size=3)),
    st.builds(lambda p, s, v: f"{p}{s}{v}", paths | linked, st.sampled_from([">", ">=", "<", "<="]), ordered),
    st.builds(lambda p, s, v: f"{p}{s}{v[0]}..{v[1]}", paths, st.sampled_from(["==", "!="]),
              st.tuples(st.sampled_from(["-1", "0.1", "40"]), st.sampled_from(["1", "1e22", "1.5"]))),
    st.builds(lambda p, s, v: f"{p}{s}{json.dumps(v)}", paths, st.sampled_from(["~=", "!~="]), patterns),
    st.builds(lambda p: p, paths | linked),
    st.builds(lambda p: "!" + p, paths | linked),
    st.sampled_from(["createdAt>=2026-06-19T12:50:00+09:00", "modifiedAt!=2018-12-04T12:00:00Z", "createdAt!=1",
                     "expiresAt", "!expiresAt", "createdAt==2018-12-04T12:00:00Z..2026-06-19T03:50:00Z"]),
)  # fmt: skip
questions = st.recursive(
    terms,
    lambda inner: st.builds(
        lambda parts, sign: "(" + sign.join(parts) + ")", st.lists(inner, min_size=2, max_size=3), st.sampled_from(";|")
    ),
    max_leaves=4,
)
georels = st.one_of(
    st.sampled_from(["within", "contains", "intersects", "disjoint", "equals", "overlaps"]),
    st.builds(lambda way, metres: f"near;{way}Distance=={metres}", st.sampled_from(["max", "min"]),
              st.sampled_from([1, 6000.5, 9000, 70000, 1e6, 1.5e7])),
)  # fmt: skip
geo_questions = st.builds(
    lambda rel, shape, name: parse_geo(rel, shape["type"], shape["coordinates"], name, CONTEXT),
    georels,
    st.sampled_from(SHAPES),
    st.sampled_from(["location", "a"]),
)

INDEXED = ["a>1", 'a=="x"', "a>2018-12-04T12:00:00Z", "b==1", "a.b==1", "a[k]==1", "a.observedAt==2018-12-04T12:00:00Z"]


class Store:
    """A migrated database of the test's own, asked from synchronous code."""

    def __init__(self, server: str, template: str) -> None:
        self._runner = asyncio.Runner()
        self._room = database(server, template)

    def __enter__(self) -> "Store":
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self) -> None:
        dsn = await self._room.__aenter__()
        self.database = await Database.connect(dsn, connections=2, writers=1, statement_timeout=20)
        for text in INDEXED:
            for lookup in indexes.lookups(parse_q(text, CONTEXT)) or []:
                await indexes.build(self.database, lookup.at)
        self.ready = await indexes.ready(self.database)
        assert len(self.ready) == len(INDEXED)
        self.probed = 0

    async def _stop(self) -> None:
        await self.database.close()
        await self._room.__aexit__(None, None, None)

    def ask(self, entities: list[Entity], queries: list[EntityQuery]) -> list[list[str]]:
        """The ids that SQL finds for each query when the database holds just these entities."""
        return self._runner.run(self._ask(entities, queries))

    async def _ask(self, entities: list[Entity], queries: list[EntityQuery]) -> list[list[str]]:
        async with self.database.readers.acquire() as connection:
            change = connection.transaction()
            await change.start()
            try:
                for no, item in enumerate(entities):
                    await connection.execute(
                        "insert into entity (tenant, id, no, types, scopes, attributes, created_at, modified_at) "
                        "values (1, $1, $2, $3, $4, $5, $6, $6)",
                        item.id, no, item.types, item.scopes or None, orjson.dumps(entities[no - 1].attributes), NOW,
                    )  # fmt: skip
                for item in entities:  # the tables beside follow both, creation and change
                    change_it = "update entity set attributes = $2 where id = $1"
                    await connection.execute(change_it, item.id, orjson.dumps(item.attributes))
                found = []
                for query in queries:
                    sql, bound = compile.entities(query, 1)
                    found.append([row["id"] for row in await connection.fetch(sql, *bound)])
                    self.probed += candidates.choose(query, self.ready) is not None
                    for few in (1000, 1):  # few candidates, and more than few
                        with patch.multiple(candidates, FEW_FACTS=few, FEW_PLACES=few):
                            sql, bound = compile.entities(query, 1, self.ready)
                        assert found[-1] == [row["id"] for row in await connection.fetch(sql, *bound)], (sql, query)
                    sql, bound = compile.ids(query, 1, self.ready)
                    assert found[-1] == [row["id"] for row in await connection.fetch(sql, *bound)], (sql, query)
                    sql, bound = compile.count(query, 1, self.ready)
                    assert len(found[-1]) == await connection.fetchval(sql, *bound), (sql, query)
                return found
            finally:
                await change.rollback()


@pytest.fixture(scope="module")
def store(server: str, template: str) -> Iterator[Store]:
    with Store(server, template) as made:
        yield made


def entity(number: int, body: dict[str, Any]) -> Entity:
    parsed = parse_entity({"id": f"urn:x:{number}", **body}, CONTEXT)
    # what is read back is what JSON keeps of it
    kept = orjson.loads(orjson.dumps(parsed.attributes))
    return Entity(parsed.id or "", parsed.types, kept, parsed.scopes or [], NOW, NOW)


def agree(store: Store, bodies: list[dict[str, Any]], queries: list[EntityQuery]) -> None:
    entities = [entity(number, body) for number, body in enumerate(bodies, 1)]
    known = {item.id: item for item in entities}
    for query, found in zip(queries, store.ask(entities, queries), strict=True):
        holds: Callable[[Entity], bool] = match(query, known.get)
        assert [item.id for item in entities if holds(item)] == found, query


MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@example([{"type": "A", "a": {"value": [[0], ["x"]]}}], ["a==0", "a!=0", "a==0..1", 'a=="x"', 'a~="x"', 'a!~="x"'])
@example(
    [{"type": "A", "a": {"value": [["2018-12-04T12:00:00Z", "2018-12-04", "12:00:00Z", 1]]}}],
    [f"a{sign}{time}" for sign in ("==", "!=", "<") for time in ("2018-12-04T12:00:00Z", "2018-12-04", "12:00:00Z")],
)
@MANY
@given(st.lists(documents, min_size=1, max_size=4), st.lists(questions, min_size=1, max_size=6))
def test_q(store: Store, bodies: list[dict[str, Any]], texts: list[str]) -> None:
    agree(store, bodies, [EntityQuery(q=parse_q(text, CONTEXT)) for text in texts])


@MANY
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
def test_what_is_read_is_answered(store: Store, text: str) -> None:
    readers: list[Callable[[], EntityQuery]] = [
        lambda: EntityQuery(q=parse_q(text, CONTEXT)),
        lambda: EntityQuery((EntitySelector(types=parse_types(text, CONTEXT)),)),
        lambda: EntityQuery((EntitySelector(id_pattern=parse_pattern(text, "idPattern")),)),
        lambda: EntityQuery(scopes=parse_scopes(text)),
        lambda: EntityQuery(order=parse_order(text.split(","), CONTEXT, coordinates=[1, 2])),
    ]
    body = {"type": "A", "a": {"value": [1, "x", {"k": {"l": 2}}], "b": 1}, "b": "2026-06-19T03:50:00Z"}
    for read in readers:
        try:
            query = read()
        except NgsiLdError:
            continue  # refused, as the fuzz of the readers themselves holds against a status
        store.ask([entity(1, body)], [query])


def test_edges(store: Store) -> None:
    """What is told by an index alone is told right where values touch the bounds."""
    signs = ["==", ">", ">=", "<", "<=", "!="]
    others: list[Any] = [[0.5, 1], "1", [None, "x", True], {"k": None}, [{"k": None}, 40]]
    bodies = [{"type": "A", "a": value} for value in [*NUMBERS, *others]]
    asked = [f"a{sign}{number!r}" for sign in signs for number in NUMBERS]
    asked += ['a>"0"', 'a!="x"', "a==true", "a!=true", "a[k]>1", "a[k]!=1", "a~=x", "a!~=x", "a<2018-12-04", "a==x,1"]
    asked += ["a==0..1", "a==1.5,40", "a>1;b", "a>1;a<40", "(a==1|a>40);!b", "(a>1;b)|a==40", "(a==1|b==1);a<1"]
    agree(store, bodies, [EntityQuery(q=parse_q(text, CONTEXT), page=Page(100)) for text in asked])
    moments = [{"type": "A", "a": text} for text in ("2018-12-04T12:00:00Z", "2018-12-04T12:00:00.001Z", *TIMES)]
    agree(store, moments, [EntityQuery(q=parse_q(f"a{sign}{TIMES[0]}", CONTEXT)) for sign in signs])


def test_the_indexes_were_asked(store: Store) -> None:
    asked = [
        "a==1",
        'a=="x"',
        "a>2018-12-04T12:00:00Z",
        "a[k]==1;c",
        "(a==1|b==1);c",
        "a.observedAt>2018-12-04T12:00:00Z",
    ]
    queries = [EntityQuery(q=parse_q(text, CONTEXT)) for text in asked]
    assert all(candidates.choose(query, store.ready) for query in queries)
    assert not candidates.choose(EntityQuery(q=parse_q("a==1|c==1", CONTEXT)), store.ready)
    named = EntityQuery((EntitySelector(ids=("urn:x:1",)),), q=parse_q("a==1", CONTEXT))
    assert not candidates.choose(named, store.ready)
    assert candidates.narrow(named, store.ready) == ([], named)
    assert store.probed > 20


@MANY
@given(st.lists(documents, min_size=1, max_size=4), st.lists(geo_questions, min_size=1, max_size=6))
def test_places(store: Store, bodies: list[dict[str, Any]], asked: list[Any]) -> None:
    agree(store, bodies, [EntityQuery(geo=geo) for geo in asked])


selectors = st.builds(
    EntitySelector,
    ids=st.sampled_from([(), ("urn:x:1", "urn:x:9")]),
    types=st.sampled_from(["A", "A,B", "(A;B)", "(A;B)|C", "C;A|B", "D"]).map(lambda text: parse_types(text, CONTEXT)),
    id_pattern=st.sampled_from([None, "1$", "^urn:x:[23]", "x"]).map(lambda t: t and parse_pattern(t, "idPattern")),
)
scopes = st.sampled_from(["/A", "/A/#", "/#", "/+/B", "/A/+/C", "(/A/B;/B)|/金沢/C", "A,B", "/金沢/#;/B", "/+", "/Z"])


@settings(MANY, max_examples=150)
@given(
    st.lists(documents, min_size=1, max_size=4),
    st.lists(selectors, max_size=2),
    st.none() | scopes,
    st.sets(st.sampled_from(NAMES), max_size=2),
)
def test_selectors(
    store: Store, bodies: list[dict[str, Any]], chosen: list[EntitySelector], scope: str | None, names: set[str]
) -> None:
    attributes = tuple(CONTEXT.attribute(name) for name in sorted(names))
    scoped = parse_scopes(scope) if scope else None
    agree(store, bodies, [EntityQuery(tuple(chosen), attributes, scopes=scoped, page=Page(1000))])
