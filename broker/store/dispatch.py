"""What the dispatcher keeps: leadership, how far each subscription is served, dead letters.

All of it is written on the connection that holds the leader's lock, so that one who has lost it can write nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from broker.store.db import CONNECTION_LOST, Database
from broker.store.statements import statements

LOST = (*CONNECTION_LOST, asyncpg.QueryCanceledError)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification that nobody took."""

    subscription: int
    sequence: int
    id: str
    position: int
    changes: int
    attempts: int
    reason: str
    body: bytes


class Leader:
    """The one session that serves subscriptions."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._using = asyncio.Lock()

    @classmethod
    async def elect(cls, dsn: str) -> "Leader | None":
        """The leader; None when there is another one. Raises LOST when the database is away."""
        connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
        try:
            if await connection.fetchval(_sql("lead")):
                return cls(connection)
        except BaseException:
            connection.terminate()
            raise
        await connection.close()
        return None

    async def close(self) -> None:
        with suppress(*LOST):
            await self._connection.close(timeout=2)

    @property
    def alive(self) -> bool:
        return not self._connection.is_closed()

    async def listen(self, channels: dict[str, Callable[[str], None]]) -> None:
        """Call the function of a channel with each payload that is notified there."""
        for channel, function in channels.items():
            await self._connection.add_listener(channel, lambda *given, function=function: function(str(given[3])))

    async def position(self) -> int:
        """Every change up to here is settled for the subscriptions that are not behind."""
        async with self._using:
            return int(await self._connection.fetchval(_sql("position")))

    async def save(
        self, states: Sequence[Row], marks: Sequence[Row], letters: Iterable[Letter], position: int | None
    ) -> None:
        """One transaction: where each subscription is, what was given up, how far the others are."""
        async with self._using, self._connection.transaction():
            for name, rows in (("bury", [_row(letter) for letter in letters]), ("mark", marks), ("save", states)):
                if rows:
                    await self._connection.execute(_sql(name), *(list(column) for column in zip(*rows, strict=True)))
            if position is not None:
                await self._connection.execute(_sql("move"), position)

    async def wanted_again(self, subscriptions: list[int]) -> list[Letter]:
        """Dead letters that somebody asked to be sent again, oldest first."""
        async with self._using:
            rows = await self._connection.fetch(_sql("wanted_again"), subscriptions)
        return [
            Letter(
                row["subscription"],
                row["sequence"],
                row["id"],
                row["position"],
                row["changes"],
                row["attempts"],
                "",
                row["body"],
            )
            for row in rows
        ]

    async def unbury(self, letters: Sequence[Letter], states: Sequence[Row]) -> None:
        """Letters that were delivered after all, with the counts that say so."""
        async with self._using, self._connection.transaction():
            await self._connection.execute(
                _sql("unbury"), [one.subscription for one in letters], [one.sequence for one in letters]
            )
            await self._connection.execute(_sql("save"), *(list(column) for column in zip(*states, strict=True)))

    async def leave(self, letter: Letter, reason: str) -> None:
        """A letter stays dead."""
        async with self._using:
            await self._connection.execute(_sql("leave"), [letter.subscription], [letter.sequence], [reason])

    async def forget(self) -> None:
        """Let go of places that the log no longer has."""
        async with self._using:
            await self._connection.execute(_sql("forget_marks"))


async def load(database: Database, subscriptions: list[int] | None = None) -> list[dict[str, Any]]:
    """Subscriptions with their tenants and states; all of them without `subscriptions`."""
    return [dict(row) for row in await database.readers.fetch(_sql("load"), subscriptions)]


def _row(letter: Letter) -> Row:
    return (
        letter.subscription,
        letter.sequence,
        letter.id,
        letter.position,
        letter.changes,
        letter.attempts,
        letter.reason,
        letter.body,
    )


def _sql(name: str) -> str:
    return statements("dispatch")[name]
