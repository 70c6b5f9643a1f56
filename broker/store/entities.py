"""Entities as they are now."""

from typing import Any

import asyncpg

from broker.store import compile
from broker.store.changes import entity_of
from broker.store.db import Database
from broker.store.ordering import provide_collation
from ngsi.entity import Entity
from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.query.entities import EntityQuery


async def retrieve(database: Database, tenant: int, entity_id: str) -> Entity | None:
    return await database.lookups.find(tenant, entity_id)


async def find(database: Database, tenant: int, query: EntityQuery) -> list[Entity]:
    """The page of matching entities, in the order asked for, else oldest first. Raises TooComplexQuery,
    BadRequestData."""
    if query.order is not None:
        await provide_collation(database, query.order.collation)
    return [entity_of(row) for row in await _ask(database, *compile.entities(query, tenant))]


async def count(database: Database, tenant: int, query: EntityQuery) -> int:
    """How many match, whatever the page. Raises TooComplexQuery, BadRequestData."""
    return int((await _ask(database, *compile.count(query, tenant)))[0]["count"])


async def ids(database: Database, tenant: int, query: EntityQuery) -> list[str]:
    """The ids of all that match, whatever the page. Raises TooComplexQuery, BadRequestData."""
    return [row["id"] for row in await _ask(database, *compile.ids(query, tenant))]


async def _ask(database: Database, sql: str, values: list[Any]) -> list[Any]:
    try:
        return list(await database.readers.fetch(sql, *values))
    except asyncpg.QueryCanceledError:
        raise TooComplexQuery("the query took longer than BROKER_STATEMENT_TIMEOUT; narrow it") from None
    except asyncpg.InvalidRegularExpressionError as error:
        raise BadRequestData(f"the regular expression is not valid: {shown(error.message or '')}") from None
