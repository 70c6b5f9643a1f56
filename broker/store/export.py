"""Instances of a temporal query one batch after the other, however many there are: a cursor, nothing held."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from broker.store import history, recall
from broker.store.db import Database
from broker.store.history import Known, Wanted
from broker.store.instances import from_rows
from broker.store.tenants import known_terms
from ngsi.instance import Instance
from ngsi.query.entities import EntityQuery, Page

_ENTITIES: Final = 200
_ROWS: Final = 5000

Exported = tuple[Known, str, Instance]  # entity, attribute IRI, instance


async def batches(database: Database, tenant: int, query: EntityQuery, wanted: Wanted) -> AsyncIterator[list[Exported]]:
    """All instances, entity by entity, each series in the order of time."""
    offset = 0
    while True:
        page = replace(query, page=Page(_ENTITIES, offset))
        entities = await recall.evolutions(database, tenant, page, wanted.temporal)
        async for batch in _instances(database, entities[:_ENTITIES], wanted):
            yield batch
        if len(entities) <= _ENTITIES:
            return
        offset += _ENTITIES


async def _instances(database: Database, entities: Sequence[Known], wanted: Wanted) -> AsyncIterator[list[Exported]]:
    series = await history.chosen(database, entities, wanted)
    if not series:
        return
    by_number = {entity.no: entity for entity in entities}
    places = {entity.no: place for place, entity in enumerate(entities)}
    iris = await known_terms(database, {no for item in series for no in item[1:]})
    series.sort(key=lambda item: (places[item[0]], iris[item[1]], iris.get(item[2], "")))
    axis, condition = history.window(wanted.temporal, tombstones=False)
    statement = history.sql("export").replace(":axis", axis).replace(":condition", condition)
    arrays = [list(column) for column in zip(*series, strict=True)]
    async with database.readers.acquire() as connection, connection.transaction(readonly=True):
        cursor = await connection.cursor(statement, *arrays, wanted.temporal.start, wanted.temporal.end)
        while rows := await cursor.fetch(_ROWS):
            instances = from_rows(rows, iris)
            yield [
                (by_number[row["entity"]], iris[row["attribute"]], instance)
                for row, instance in zip(rows, instances, strict=True)
            ]
