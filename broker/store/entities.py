"""Entities as they are now."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg

from broker.store import compile, indexes
from broker.store.candidates import Ready
from broker.store.db import Database
from broker.store.ordering import provide_collation
from ngsi.entity import Entity
from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.instance import Attributes
from ngsi.query.entities import EntityQuery

Version = tuple[str, datetime]  # an entity's id and modifiedAt: no two changes of one entity share an instant
_Statement = Callable[[EntityQuery, int, Ready | None], tuple[str, list[Any]]]


def entity_of(row: Any, attributes: Attributes | None = None) -> Entity:
    """The entity of a row of table entity; `attributes` when the row has them as text."""
    return Entity(
        row["id"],
        row["types"],
        row["attributes"] if attributes is None else attributes,
        row["scopes"] or [],
        row["created_at"],
        row["modified_at"],
        row["expires_at"],
    )


async def retrieve(database: Database, tenant: int, entity_id: str) -> Entity | None:
    return await database.lookups.find(tenant, entity_id)


async def find(database: Database, tenant: int, query: EntityQuery) -> list[Entity]:
    """The page of matching entities, in the order asked for, else oldest first. Raises TooComplexQuery,
    BadRequestData."""
    if query.order is not None:
        await provide_collation(database, query.order.collation)
    return [entity_of(row) for row in await _ask(database, compile.entities, tenant, query)]


async def versions(database: Database, tenant: int, query: EntityQuery) -> list[Version]:
    """The page of `find`, told by ids and versions. Raises TooComplexQuery, BadRequestData."""
    if query.order is not None:
        await provide_collation(database, query.order.collation)
    return [(row["id"], row["modified_at"]) for row in await _ask(database, compile.versions, tenant, query)]


async def count(database: Database, tenant: int, query: EntityQuery) -> int:
    """How many match, whatever the page. Raises TooComplexQuery, BadRequestData."""
    return int((await _ask(database, compile.count, tenant, query))[0]["count"])


async def ids(database: Database, tenant: int, query: EntityQuery) -> list[str]:
    """The ids of all that match, whatever the page. Raises TooComplexQuery, BadRequestData."""
    return [row["id"] for row in await _ask(database, compile.ids, tenant, query)]


async def _ask(database: Database, statement: _Statement, tenant: int, query: EntityQuery) -> list[Any]:
    sql, values = statement(query, tenant, await indexes.ready(database))
    begun = time.perf_counter()
    try:
        return list(await database.readers.fetch(sql, *values))
    except asyncpg.QueryCanceledError:
        raise TooComplexQuery("the query took longer than BROKER_STATEMENT_TIMEOUT; narrow it") from None
    except (asyncpg.InvalidRegularExpressionError, asyncpg.ProgramLimitExceededError) as error:
        raise BadRequestData(f"the database cannot answer the query: {shown(error.message or '')}") from None
    finally:
        if time.perf_counter() - begun > indexes.SLOW:
            indexes.want(database, query)
