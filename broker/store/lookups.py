"""What is known of entities by their ids, many askers in one statement.

While a statement runs, the next one gathers: no timer, so an idle broker answers at once, and a busy one asks the
database a tenth as often.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

import asyncpg

from ngsi.entity import Entity

_STATEMENTS: Final = 2  # at a time
_MOST: Final = 500  # ids in one statement
_STANDING: Final = (
    "select e.tenant, e.id, e.types, e.scopes, e.attributes, e.created_at, e.modified_at, e.expires_at "
    "from unnest($1::integer[], $2::text[]) as wanted(tenant, id) join entity e using (tenant, id) "
    "where e.deleted_at is null and (e.expires_at is null or e.expires_at > now())"
)

_Key = tuple[int, str]
T = TypeVar("T")
_Waiting = list[tuple[_Key, asyncio.Future[T | None]]]


class Gathered(Generic[T]):
    """Gathers look-ups of one process over the connections of `pool`.

    `statement` takes the tenants and the ids, and begins its rows with both; `made` is what an asker gets of a row.
    """

    def __init__(self, pool: asyncpg.Pool, statement: str, made: Callable[[Any], T]) -> None:
        self._pool = pool
        self._sql = statement
        self._made = made
        self._waiting: _Waiting[T] = []
        self._running = 0
        self._workers: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks weakly

    def find(self, tenant: int, entity_id: str) -> asyncio.Future[T | None]:
        """What is known, or None. A statement that began before this call never answers it."""
        future: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((tenant, entity_id), future))
        if self._running < _STATEMENTS:
            self._running += 1
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._statement()
        finally:
            self._running -= 1  # nothing is awaited since the last look at what waits

    async def _statement(self) -> None:
        taken, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            rows = await self._pool.fetch(self._sql, [key[0] for key, _ in taken], [key[1] for key, _ in taken])
        except Exception as error:  # every asker is told, none waits for ever
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
            return
        found = {(row[0], row[1]): row for row in rows}
        for key, future in taken:
            if not future.done():
                future.set_result(self._made(found[key]) if key in found else None)


class Lookups(Gathered[Entity]):
    """Entities as they are."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool, _STANDING, _entity)

    async def find_all(self, tenant: int, ids: Iterable[str]) -> dict[str, Entity]:
        """The entities of `ids` that there are."""
        found = await asyncio.gather(*(self.find(tenant, entity_id) for entity_id in ids))
        return {entity.id: entity for entity in found if entity is not None}


def _entity(row: Any) -> Entity:
    _, entity_id, types, scopes, attributes, created_at, modified_at, expires_at = row
    return Entity(entity_id, types, attributes, scopes or [], created_at, modified_at, expires_at)
