"""What is to be cleaned up, and when."""

from datetime import datetime
from typing import Any

from broker.store.db import Database
from broker.store.statements import statements


async def due(database: Database, now: datetime) -> list[Any]:
    """Rows (tenant, id, at) of entities of which something has expired at `now`, the oldest first."""
    return list(await database.writers.fetch(statements("expiry")["due"], now))


async def earliest(database: Database) -> datetime | None:
    """When the next one expires; None for never."""
    found: datetime | None = await database.writers.fetchval(statements("expiry")["earliest"])
    return found


async def done(database: Database, rows: list[Any]) -> None:
    """Forget `rows`, unless they were planned anew meanwhile."""
    columns = ([row[name] for row in rows] for name in ("tenant", "id", "at"))
    await database.writers.execute(statements("expiry")["done"], *columns)
