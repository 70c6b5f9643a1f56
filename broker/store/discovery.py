"""Which types and attributes a tenant's entities have, counted by shape (see 0026_discovery.sql)."""

from datetime import UTC, datetime
from typing import Final

from broker.store.db import Database
from broker.store.entities import entity_of
from broker.store.statements import statements
from ngsi.expiry import unexpired
from ngsi.shape import Census, Shape, census, shape
from ngsi.terms import KINDS

_FORMS: Final = [f"{kind}{several}" for kind in KINDS for several in ("", " +")]


async def take_census(database: Database, tenant: int) -> Census:
    """What there is, as of now."""
    sql = statements("discovery")
    shared = await database.readers.fetch(sql["shapes"], tenant)
    shapes = [(Shape(tuple(row["types"]), tuple(row["attributes"])), row["entities"]) for row in shared]
    now = datetime.now(UTC)
    shapes += [
        (shape(unexpired(entity_of(row), now)), 1) for row in await database.readers.fetch(sql["singles"], tenant)
    ]
    return census(shapes)


async def count_instances(database: Database, tenant: int, attribute: str) -> int:
    """How many instances of `attribute` (an IRI) there are."""
    forms = [f"{attribute} {form}" for form in _FORMS]
    return int(await database.readers.fetchval(statements("discovery")["instances"], tenant, attribute, forms))
