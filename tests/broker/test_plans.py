"""The statements that questions become: each can be prepared, and the hot ones use their index."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from broker.store import compile, indexes
from broker.store.db import Database
from broker.store.statements import statements
from ngsi.query.entities import EntityQuery, EntitySelector, Page
from ngsi.query.geo import parse_geo
from ngsi.query.order import parse_order
from ngsi.query.pattern import parse_pattern
from ngsi.query.q import parse_q
from ngsi.query.scope import parse_scopes
from ngsi.query.types import parse_types
from tests.ngsi.contexts import context

CONTEXT = context()
NEAR = parse_geo("near;maxDistance==500", "Point", [136.6, 36.5], None, CONTEXT)
WITHIN = parse_geo("within", "Polygon", [[[1, 1], [2, 1], [2, 2], [1, 1]]], "operationSpace", CONTEXT)


def q(text: str) -> EntityQuery:
    return EntityQuery(q=parse_q(text, CONTEXT))


def typed(text: str) -> EntityQuery:
    return EntityQuery((EntitySelector(types=parse_types(text, CONTEXT)),))


KINDS = [
    EntityQuery(),
    typed("A|(B;C)"),
    EntityQuery((EntitySelector(("urn:x:1",), None, parse_pattern("x", "idPattern")), EntitySelector())),
    EntityQuery(attributes=(CONTEXT.attribute("a"),)),
    EntityQuery(scopes=parse_scopes("(/A;/+/B)|/C/#")),
    q("a;!b;a.b==1,2;c[k]!=1..2;a~=x;a!~=x;a>2026-06-19T00:00:00Z;a<03:50:00Z"),
    q("createdAt>2026-06-19T00:00:00Z|modifiedAt!=2026-06-19T00:00:00Z|a{B:b{c}}==1|!expiresAt"),
    EntityQuery(geo=NEAR),
    EntityQuery(geo=parse_geo("near;minDistance==500", "LineString", [[1, 1], [2, 2]], None, CONTEXT)),
    *(
        EntityQuery(geo=parse_geo(relation, "Point", [1, 2], "a", CONTEXT))
        for relation in ("within", "contains", "intersects", "disjoint", "equals", "overlaps")
    ),
    EntityQuery(order=parse_order(["id", "type;desc", "createdAt", "a;desc", "a.b", "a[k]"], CONTEXT)),
    EntityQuery(order=parse_order(["location;dist-asc"], CONTEXT, coordinates=[1, 2])),
]


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    made = await Database.connect(dsn, connections=2, writers=1, statement_timeout=20)
    yield made
    await made.close()


async def test_every_kind_of_statement_can_be_prepared(database: Database) -> None:
    async with database.readers.acquire() as connection:
        for query in KINDS:
            for build in (compile.entities, compile.count, compile.ids):
                sql, _ = build(query, 1)
                await connection.prepare(sql)
            await connection.prepare(f"select from entity where {compile.conditions(query, 1)}")
        for name, sql in statements("indexes").items():
            assert await connection.prepare(sql), name


_FILL = """
insert into entity (tenant, id, no, types, scopes, attributes, created_at, modified_at)
select 1, 'urn:x:' || i, i, array['urn:t:' || i % 50], null,
       jsonb_build_object($1::text, jsonb_build_array(jsonb_build_object('type', 'Property', 'value', i)),
                          $2::text, jsonb_build_array(jsonb_build_object('type', 'GeoProperty', 'value',
                              jsonb_build_object('type', 'Point', 'coordinates',
                                                 jsonb_build_array(136 + i % 100 / 100.0, 36 + i / 10000.0))))),
       now(), now()
from generate_series(1, 5000) i
"""
HOT: list[tuple[EntityQuery, str]] = [
    (typed("urn:t:7"), "entity_types"),
    (EntityQuery((EntitySelector(("urn:x:7",)),)), "entity_pkey"),
    (q("n==77"), "fact_key"),
    (q("n>4990"), "fact_key"),
    (q("rel{m}"), "entity_pkey"),
    (EntityQuery(geo=NEAR), "place_bounds"),
    (EntityQuery(geo=parse_geo("within", "Polygon", [[[136, 36], [136.1, 36], [136, 36.1], [136, 36]]], None, CONTEXT)),
     "place_bounds"),
]  # fmt: skip


async def test_hot_questions_use_their_index(database: Database) -> None:
    async with database.writers.acquire() as connection:
        await connection.execute(_FILL, CONTEXT.attribute("n"), CONTEXT.attribute("location"))
        await connection.execute("analyze entity, place")
    lookup = (indexes.lookups(parse_q("n==1", CONTEXT)) or [])[0]
    await indexes.build(database, lookup.at)
    async with database.readers.acquire() as connection:
        await connection.execute("analyze fact")
        ready = await indexes.ready(database)
        assert lookup.at in ready
        for query, index in HOT:
            paged = EntityQuery(query.selectors, q=query.q, geo=query.geo, page=Page(100))
            used = await _indexes_of(connection, *compile.entities(paged, 1, ready))
            assert index in used, (query, used)


async def _indexes_of(connection: asyncpg.Connection, sql: str, values: list[Any]) -> set[str]:
    plan = await connection.fetchval(f"explain (format json) {sql}", *values)
    text = json.dumps(plan)
    return {part.split('"')[0] for part in text.replace('\\"', '"').split('"Index Name": "')[1:]}


async def test_an_index_is_complete_whoever_writes_meanwhile(database: Database) -> None:
    """Created before, while and after it is built; changed and deleted afterwards: what is found is what is there."""
    async with database.writers.acquire() as connection:
        await connection.execute(_FILL, CONTEXT.attribute("n"), CONTEXT.attribute("location"))
        at = (indexes.lookups(parse_q("n==1", CONTEXT)) or [])[0].at
        await indexes.build(database, at)
        await connection.execute("update entity set attributes = '{}', deleted_at = now() where no <= 10")
        moved = (
            "update entity set attributes = jsonb_set(attributes, array[$1::text, '0', 'value'], '-1') where no = 11"
        )
        await connection.execute(moved, CONTEXT.attribute("n"))
        keys = await connection.fetch("select key from fact order by key")
        assert [row["key"] for row in keys] == [-1.0, *map(float, range(12, 5001))]
        assert await connection.fetchval("select count(*) from place") == 4990


LONG: list[tuple[list[list[float]], list[float]]] = [  # sides that leave the box of their ends on the sphere
    ([[130.0, 40.0], [145.0, 40.0]], [137.5, 40.25]),
    ([[-30.0, 60.0], [30.0, 60.0]], [0.0, 63.43]),
    ([[-30.0, -80.0], [30.0, -80.0]], [0.0, -81.3]),
    ([[-30.0, 86.0], [30.0, 86.0]], [0.0, 86.53]),
    ([[136.5, 36.5], [136.7, 36.5]], [136.6, 36.50002]),
]


async def test_bounds_hold_what_is_on_the_sphere(database: Database) -> None:
    async with database.readers.acquire() as connection:
        for line, place in LONG:
            values = [orjson.dumps({"type": "LineString", "coordinates": line}), *place]
            row = await connection.fetchrow(
                "select ST_Distance(s::geography, p::geography) as metres, bounds_of(s) && p as held, s && p as planar "
                "from (select shape_of($1) as s, ST_SetSRID(ST_MakePoint($2, $3), 4326) as p) g",
                *values,
            )
            assert row["metres"] < 5000
            assert row["held"], (line, row)
            assert not row["planar"], "another place would show more"


def geo(*places: list[float] | None) -> list[dict[str, Any]]:
    """Instances of a GeoProperty; None for one that is deleted."""
    shapes = [{"type": "Point", "coordinates": place} if place else "urn:ngsi-ld:null" for place in places]
    return [{"type": "GeoProperty", "value": shape, "datasetId": f"urn:d:{no}"} for no, shape in enumerate(shapes)]


HERE, THERE = [136.6, 36.5], [136.7, 36.6]
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"x:a": [{"type": "Property", "value": {"type": "Point", "coordinates": HERE}}]},
    {"x:a": geo(HERE)},
    {"x:a": geo(THERE)},
    {"x:b": geo(HERE)},
    {"x:a": geo(HERE, THERE)},
    {"x:a": geo(HERE), "x:b": geo(THERE)},
    {"x:a": geo(THERE), "x:b": geo(HERE)},
    {"x:a": geo(HERE), "x:b": geo(HERE, THERE)},
    {"x:a": geo(HERE, HERE), "x:b": geo(THERE)},
    {"x:a": geo(None), "x:b": geo(HERE)},
    {"x:a": [{"type": "Property", "value": 1}], "x:b": geo(HERE), "x:c": geo(None)},
]


async def test_places_are_those_of_the_document_whatever_it_was(database: Database) -> None:
    """Every document becomes every other one."""
    said = "select attribute, ST_AsText(shape) as shape from places_of($1) order by 1, 2"
    held = "select attribute, ST_AsText(shape) as shape from place order by 1, 2"
    async with database.writers.acquire() as connection:
        await connection.execute(
            "insert into entity (tenant, id, no, types, attributes, created_at, modified_at) "
            "values (1, 'urn:x:1', 1, '{}', '{}', now(), now())"
        )
        for before in DOCUMENTS:
            for after in DOCUMENTS:
                for document in (before, after):
                    content = orjson.dumps(document)
                    await connection.execute("update entity set attributes = $1", content)
                    assert await connection.fetch(held) == await connection.fetch(said, content), (before, after)


async def test_a_geometry_that_changes_its_name_has_moved(database: Database) -> None:
    async with database.writers.acquire() as connection:
        await connection.execute(_FILL, CONTEXT.attribute("n"), CONTEXT.attribute("location"))
        renamed = "update entity set attributes = jsonb_build_object($1::text, attributes -> $2::text) where no = 1"
        await connection.execute(renamed, CONTEXT.attribute("a"), CONTEXT.attribute("location"))
        assert await connection.fetchval("select attribute from place where entity = 1") == CONTEXT.attribute("a")
