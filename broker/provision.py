"""Writes, gathered: while one group of operations commits, the next gathers (group commit)."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from broker.store.changes import Operation, Outcome, Writer
from broker.store.db import CONNECTION_LOST, UNHOLDABLE, Database
from ngsi.errors import BadRequestData, ServiceUnavailable

_GROUP = 100  # operations; larger groups gain nothing, and what is in them waits for all of it

_Waiting = tuple[Sequence[Operation], "asyncio.Future[list[Outcome]]"]


class Provision:
    """Takes operations of any request and answers each after its commit."""

    def __init__(self, database: Database, writers: int, *, delete_history: bool = False) -> None:
        self._writer = Writer(database, delete_history=delete_history)
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._idle = writers
        self._tasks = [asyncio.create_task(self._run()) for _ in range(writers)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Each operation's change or error, in order, after commit. Raises ServiceUnavailable, BadRequestData."""
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._waiting.append((operations, future))
        self._arrived.set()
        return await future

    async def one(self, operation: Operation) -> Outcome:
        return (await self.apply([operation]))[0]

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if self._waiting:
                await self._commit(self._gather())
                self._idle += 1

    def _gather(self) -> list[_Waiting]:
        """What the writer that asks commits next; until then it is no idle one."""
        # idle writers share what waits: while the database works for one, the rules run for the other
        share = -(-len(self._waiting) // self._idle)
        self._idle -= 1
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < share and (not group or size + len(self._waiting[0][0]) <= _GROUP):
            group.append(self._waiting.popleft())
            size += len(group[-1][0])
        if not self._waiting:
            self._arrived.clear()
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        operations = [operation for part, _ in group for operation in part]
        try:
            outcomes = await self._writer.apply(operations)
        except CONNECTION_LOST as error:
            _fail(group, ServiceUnavailable(f"the database is not reachable ({type(error).__name__}); try again"))
        except Exception as error:
            # what one request holds must not fail its neighbours: each is tried alone
            if len(group) > 1:
                for request in group:
                    await self._commit([request])
            else:
                _fail(group, _explained(error))
        else:
            at = 0
            for part, future in group:
                if not future.done():
                    future.set_result(outcomes[at : at + len(part)])
                at += len(part)


def _fail(group: list[_Waiting], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)


def _explained(error: Exception) -> Exception:
    if isinstance(error, UNHOLDABLE):
        return BadRequestData(f"the database cannot hold a value of this body: {error}")
    return error
