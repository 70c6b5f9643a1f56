"""Files of the past, read through a declared source: in parts, several on their way at once, resumed where it ended.

What was stored twice because we died in between changes nothing. Progress is kept per file (its name, size and time) in
`${data}/backfill/<source>.json`.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import orjson

from adapters.contract import CONTINUES, Message
from adapters.delivery import POSTS, Broker, Delivery, Prepared, Source, batches
from adapters.disk import put, remembered
from adapters.observations import Observations

PART = 2 * 1024 * 1024  # bytes of a table decoded at once
COPIED = 16 * PART  # the same where observations go by COPY: each part starts a process
TABLES = (".csv", ".tsv", ".txt")


class Part(NamedTuple):
    """A piece of a file: its bytes as a table of their own, and where the next one begins."""

    body: bytes
    end: int
    last: bool


@dataclass(slots=True)
class Progress:
    """How far the work is: bytes of all files, entities committed, things set aside."""

    total: int
    done: int = 0
    entities: int = 0
    set_aside: int = 0


def bar(progress: Progress, seconds: float) -> str:
    """The progress in one line: share, entities a second, seconds to go."""
    share = progress.done / progress.total if progress.total else 1.0
    left = seconds / share - seconds if share else 0.0
    filled = int(30 * share)
    speed = progress.entities / seconds if seconds else 0.0
    return f"[{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}  {speed:,.0f} entities/s  {left:.0f} s left   "


class Journal:
    """Which bytes of which files are stored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends: dict[str, int] = remembered(path) or {}

    def end(self, file: Path) -> int:
        return self._ends.get(_name(file), 0)

    def note(self, file: Path, end: int) -> None:
        self._ends[_name(file)] = end
        put(self._path, orjson.dumps(self._ends))


async def backfill(
    source: Source,
    broker: Broker,
    files: Sequence[Path],
    journal: Journal,
    tell: Callable[[Progress], None],
    observations: Observations | None = None,
) -> Progress:
    """Stores what the files say; raw tracks by way of `observations`, if there are any.

    Raises OSError for a file that cannot be read, NotImported for observations that were not taken in.
    """
    progress = Progress(sum(file.stat().st_size for file in files))
    for file in files:
        begun = journal.end(file)
        progress.done += begun
        for part in parts(file, begun, *((COPIED,) if observations else ())):
            await _store(source, broker, _message(file, part), progress, observations)
            noted = partial(journal.note, file, part.end)
            if observations is None:
                noted()
            else:
                await observations.flush(noted)
            progress.done += part.end - begun
            begun = part.end
            tell(progress)
    if observations is not None:
        await observations.land()
    return progress


def parts(file: Path, start: int = 0, size: int = PART) -> Iterator[Part]:
    """The file in parts; a large table is cut between its rows, each part with the header. Others come whole."""
    total = file.stat().st_size
    if start >= total:
        return
    with file.open("rb") as stream:
        header = stream.readline()
        if total <= size or file.suffix.lower() not in TABLES or header.startswith((b"\xff\xfe", b"\xfe\xff")):
            yield Part(header + stream.read(), total, last=True)
            return
        stream.seek(max(start, len(header)))
        while rows := _rows(stream.readlines(size), stream.readline):
            end = stream.tell()
            yield Part(header + rows, end, end >= total)


def _rows(lines: list[bytes], more: Callable[[], bytes]) -> bytes:
    """The lines, and as many more as it takes to end a quoted cell that goes over several."""
    rows = b"".join(lines)
    while rows.count(b'"') % 2 and (line := more()):
        rows += line
    return rows


def _message(file: Path, part: Part) -> Message:
    return Message(part.body, datetime.now(UTC), file.name, {} if part.last else CONTINUES)


async def _store(
    source: Source, broker: Broker, message: Message, progress: Progress, observations: Observations | None
) -> None:
    """Decodes while earlier batches are on their way."""
    delivery, queue = Delivery(source, broker), asyncio.Queue[Prepared | None](maxsize=POSTS)
    counters = broker.metrics.of(source.name)
    before = replace(counters)

    async def post() -> None:
        while (batch := await queue.get()) is not None:
            await delivery.post(batch)

    async with asyncio.TaskGroup() as group:
        posting = [group.create_task(post()) for _ in range(POSTS)]
        async for batch, _ in batches(source.adapter, source.decode, [message], broker.batch):
            prepared = delivery.prepare(batch)
            prepared.wholes.clear()  # a file of the past, in parts, is no news of what is gone
            if observations is not None:
                observations.take(prepared)
            await queue.put(prepared)
        if observations is not None:
            await queue.put(observations.newest(delivery.prepare([])))
            progress.entities += observations.counted()
        for _ in posting:
            await queue.put(None)
    progress.entities += counters.delivered - before.delivered
    progress.set_aside += counters.quarantined - before.quarantined


def _name(file: Path) -> str:
    status = file.stat()
    return f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"
