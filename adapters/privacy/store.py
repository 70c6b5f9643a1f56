"""The presences of bins that are still open, and the ledger of everything that was published.

Presences are pseudonyms under the day's key; they are forgotten a day after their bin. The ledger holds published cells
only, never what was withheld: a bin is published once, and whoever asks again is told the same.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from adapters.disk import database

_SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = full;
pragma secure_delete = on;
create table if not exists presence (
    source text not null, cell text not null, pseudonym text not null, start integer not null,
    first integer not null, last integer not null, primary key (source, start, cell, pseudonym)
) strict, without rowid;
create table if not exists published (
    source text not null, cell text not null, destination text not null,
    start integer not null, finish integer not null, value integer, k integer not null, published_at integer not null,
    primary key (source, cell, destination, start)
) strict, without rowid;
"""

_SINCE = """
select cell, destination, start, finish, value, k from published
where source = ? and published_at >= ? order by start, cell, destination
"""
_OVERLAPPING = """
select 1 from published where source = ? and cell = ? and destination = ? and start < ? and finish > ?
"""
_OF_BIN = "select cell, destination, start, finish, value, k from published where source = ? and start = ?"


class Stay(NamedTuple):
    """A pseudonym in a cell during the bin that begins at `start`: first and last heard. Seconds since 1970."""

    cell: str
    pseudonym: str
    start: int
    first: int
    last: int


class Publication(NamedTuple):
    """A cell of one bin as published: a count, or with `destination` a flow. None: withheld. Seconds since 1970."""

    cell: str
    destination: str
    start: int
    finish: int
    value: int | None
    k: int


class PrivacyStore:
    """Both tables in one file, readable by its owner only; `path` None keeps them in memory. Raises OSError."""

    def __init__(self, path: Path | None = None) -> None:
        self._connection = database(path, _SCHEMA, timeout=30.0)
        self._turn = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside."""
        with self._turn:
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def add(self, source: str, stays: Iterable[Stay]) -> None:
        """Remembers the stays, except those of cells whose bin is published already."""
        self._connection.executemany(
            "insert into presence select :source, :cell, :pseudonym, :start, :first, :last where not exists ("
            " select 1 from published where source = :source and cell = :cell and destination = '' and start = :start)"
            " on conflict do update set first = min(first, excluded.first), last = max(last, excluded.last)",
            ({"source": source, **stay._asdict()} for stay in stays),
        )

    def stays(self, source: str) -> list[Stay]:
        statement = "select cell, pseudonym, start, first, last from presence where source = ?"
        with self._turn:
            return [Stay(*row) for row in self._connection.execute(statement, (source,))]

    def forget(self, source: str, before: int) -> None:
        """Destroys the presences of bins that began before."""
        self._connection.execute("delete from presence where source = ? and start < ?", (source, before))

    def publish(self, source: str, publications: Sequence[Publication]) -> list[Publication]:
        """Enters what is new; returns it. A cell is skipped when a bin of it with other bounds overlaps."""
        now = int(datetime.now(UTC).timestamp())
        entered = []
        for each in publications:
            key = (source, each.cell, each.destination, each.finish, each.start)
            overlapping = self._connection.execute(_OVERLAPPING, key)
            if overlapping.fetchone() is None:
                row = (source, *each, now)
                self._connection.execute("insert into published values (?, ?, ?, ?, ?, ?, ?, ?)", row)
                entered.append(each)
        return entered

    def published(self, source: str, since: int = 0, starts: Iterable[int] | None = None) -> list[Publication]:
        """What was published since an instant, or of the bins that begin at `starts`."""
        with self._turn:
            if starts is None:
                rows = self._connection.execute(_SINCE, (source, since)).fetchall()
            else:
                rows = [row for start in starts for row in self._connection.execute(_OF_BIN, (source, start))]
        return [Publication(*row) for row in rows]

    def sources(self) -> list[str]:
        with self._turn:
            rows = self._connection.execute("select distinct source from published order by source")
            return [row[0] for row in rows]

    def close(self) -> None:
        with self._turn:  # a thread may still be at work for somebody who was cancelled
            self._connection.close()
