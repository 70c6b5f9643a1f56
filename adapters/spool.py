"""A spool on disk for what the broker cannot take: first in, first out per source, bounded, synced to it.

One SQLite file in WAL mode with synchronous=FULL: `put` returns after fsync, so whoever sent the messages may forget
them. What was delivered twice because we died between the broker's commit and `drop` changes nothing there.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import orjson

from adapters.contract import Message
from adapters.disk import database

PAGE = 4096

_SCHEMA = f"""
pragma page_size = {PAGE};
pragma locking_mode = exclusive;
pragma journal_mode = wal;
pragma synchronous = full;
pragma secure_delete = on;
create table if not exists spool (
    number integer primary key autoincrement,
    source text not null, topic text not null, received_at text not null, metadata text not null, body blob not null
) strict;
create index if not exists spool_source on spool (source, number);
"""


class SpoolFull(Exception):
    """The spool has reached its bound: the sources have to wait."""


class Spool:
    """The spool at `path`, at most `max_bytes` large. One process at a time; raises OSError when another has it."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        bound = f"pragma max_page_count = {max(max_bytes // PAGE, 32)};"
        self._connection = database(path, _SCHEMA + bound, timeout=5.0)
        self._turn = threading.Lock()
        counted = self._connection.execute("select source, count(*) from spool group by source")
        self._waiting: dict[str, int] = dict(counted.fetchall())

    def waiting(self, source: str) -> int:
        """How many messages of the source wait here."""
        return self._waiting.get(source, 0)

    async def put(self, source: str, messages: Sequence[Message]) -> None:
        """Keeps all messages, in order, or none. Raises SpoolFull."""
        rows = [
            (source, each.topic, each.received_at.isoformat(), orjson.dumps(dict(each.metadata)).decode(), each.body)
            for each in messages
        ]
        await asyncio.to_thread(self._insert, source, rows)

    async def first(self, source: str, limit: int) -> list[tuple[int, Message]]:
        """The oldest messages of the source with their numbers."""
        return await asyncio.to_thread(self._select, source, limit)

    async def drop(self, source: str, numbers: Sequence[int]) -> None:
        """Forgets the messages, which the broker holds now."""
        await asyncio.to_thread(self._delete, source, numbers)

    def close(self) -> None:
        with self._turn:  # a thread may still be at work for somebody who was cancelled
            self._connection.close()

    def _insert(self, source: str, rows: Sequence[tuple[object, ...]]) -> None:
        statement = "insert into spool (source, topic, received_at, metadata, body) values (?, ?, ?, ?, ?)"
        try:
            self._in_one_transaction(statement, rows, source, len(rows))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise SpoolFull from error
            raise

    def _delete(self, source: str, numbers: Sequence[int]) -> None:
        rows = [(number,) for number in numbers]
        self._in_one_transaction("delete from spool where number = ?", rows, source, -len(rows))

    def _in_one_transaction(self, statement: str, rows: Sequence[tuple[object, ...]], source: str, more: int) -> None:
        """`more` messages of the source wait afterwards: counted here, for whoever asked may be cancelled meanwhile."""
        with self._turn:
            self._connection.execute("begin immediate")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
            self._waiting[source] = self.waiting(source) + more

    def _select(self, source: str, limit: int) -> list[tuple[int, Message]]:
        statement = (
            "select number, body, received_at, topic, metadata from spool where source = ? order by number limit ?"
        )
        with self._turn:
            rows = self._connection.execute(statement, (source, limit)).fetchall()
        return [
            (number, Message(body, datetime.fromisoformat(at), topic, orjson.loads(metadata)))
            for number, body, at, topic, metadata in rows
        ]
