"""Tenants as a whole: which there are, and their end. For the command line, on a connection of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from broker.store.signals import CHANNEL

_LISTED: Final = """
select t.name, t.created_at,
       (select count(*) from entity e where e.tenant = t.no and e.deleted_at is null) as entities
from tenant t order by t.name
"""
_TELL_DISPATCHERS: Final = "select pg_notify('subscription', no::text) from subscription where tenant = $1"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant: its name ("" is the default one), since when (UTC), and how many entities it has."""

    name: str
    created_at: datetime
    entities: int


async def listed(dsn: str) -> list[Tenant]:
    """All tenants by name. Raises asyncpg's errors or OSError."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return [Tenant(**row) for row in await connection.fetch(_LISTED)]
    finally:
        await connection.close()


async def forget(dsn: str, name: str) -> bool:
    """Delete tenant `name` with everything in it, and tell the running brokers; False when there is none.

    Raises asyncpg's errors or OSError, and then nothing is deleted.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            no = await connection.fetchval("select no from tenant where name = $1", name)
            if no is None:
                return False
            await connection.execute(_TELL_DISPATCHERS, no)
            await connection.execute("select forget_tenant($1)", no)
            await connection.execute("select pg_notify($1, $2)", CHANNEL, name)
        return True
    finally:
        await connection.close()
