"""A watched folder: a file is taken once its size stands still, and moved when the broker has committed it.

done/    everything in it that could be read is stored (rows that could not are in quarantine)
failed/  nothing in it could be read, or it comes from a personal source and some rows could not
A fully read file of a personal source is deleted: its raw identifiers stay on no disk.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from adapters.contract import Message, Outcome, SourceSettings

UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


class FileSettings(SourceSettings):
    """`folder` is ADAPTERS_DATA/inbox/<source> when unset; `every` and `max_bytes` bound the watching and the file."""

    transport: Literal["file"] = "file"
    folder: Path | None = None
    pattern: str = Field(default="*", pattern=r"^[^/]+$")
    every: float = Field(default=1.0, gt=0)
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)


async def watch(settings: FileSettings, folder: Path, personal: bool) -> AsyncIterator[Message]:
    """One message per file, one at a time: the next is read after the last is settled. `topic` is the file's name."""
    folder = settings.folder or folder
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    seen: dict[Path, tuple[int, int]] = {}
    while True:
        now = await asyncio.to_thread(_sizes, folder, settings.pattern)
        for path in sorted(path for path, state in now.items() if seen.get(path) == state):
            settled = asyncio.Event()
            try:
                message = await asyncio.to_thread(_message, path, settings.max_bytes, personal, settled)
            except FileNotFoundError:
                continue  # whoever brought it took it away again
            yield message
            await settled.wait()
            now.pop(path)
        seen = now
        await asyncio.sleep(settings.every)


def _sizes(folder: Path, pattern: str) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):  # it may be renamed while we look
            if path.is_file() and not path.name.startswith(".") and path.suffix not in UNFINISHED:
                found[path] = _state(path)
    return found


def _message(path: Path, max_bytes: int, personal: bool, settled: asyncio.Event) -> Message:
    state = _state(path)

    async def settle(outcome: Outcome) -> None:
        await asyncio.to_thread(_put_away, path, state, outcome, personal)
        settled.set()

    with path.open("rb") as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        refusal = {"refused": f"is larger than {max_bytes} bytes; split it"}
        return Message(body[:4096], datetime.now(UTC), path.name, refusal, settle)
    return Message(body, datetime.now(UTC), path.name, settle=settle)


def _put_away(path: Path, state: tuple[int, int], outcome: Outcome, personal: bool) -> None:
    if not path.exists() or _state(path) != state:
        return  # replaced while we read: the new one has its own turn
    if personal and outcome is Outcome.COMMITTED:
        path.unlink()
        return
    kept = outcome is not Outcome.REFUSED and not personal
    target = path.parent / ("done" if kept else "failed")
    target.mkdir(exist_ok=True, mode=0o700)
    os.replace(path, target / path.name)


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
