"""Raw tracks of the past by COPY: written as observations, one a line, and taken in by `yukitsuri import`.

The newest reading of each vehicle goes through the broker like any other, so that the entity is there with everything
that is said of it, and with the day it expires, before its past is. What does not change from one reading to the next
is written once. The files lie in a folder of their own, readable by its owner only, until they are taken in.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from adapters.contract import Message
from adapters.delivery import Prepared

COMMAND = (sys.executable, "-m", "deploy.cli", "import")
PLAIN = frozenset({"type", "value", "unitCode", "observedAt"})

Parcel = tuple[dict[str, Any], Message]


class NotImported(Exception):
    """`yukitsuri import` did not take a file in; what it says."""


class Observations:
    """What goes to one tenant by COPY. One file is written while the one before it is taken in."""

    def __init__(self, tenant: str, folder: Path, command: Sequence[str] = COMMAND) -> None:
        self._tenant, self._folder, self._command = tenant, folder, command
        self._iris: dict[str, str] = orjson.loads(files("models").joinpath("kanazawa.jsonld").read_bytes())["@context"]
        self._newest: dict[str, Parcel] = {}
        self._said: dict[tuple[str, str], Any] = {}
        self._number = 0
        self._file: BinaryIO | None = None
        self._under_way: asyncio.Task[None] | None = None
        self._taken = 0

    def take(self, prepared: Prepared) -> None:
        """Takes what goes by COPY out of a batch."""
        for entity, message in prepared.by_tenant.pop(self._tenant, ()):
            newest = self._newest.get(entity["id"])
            if newest is None or _instant(newest[0]) <= _instant(entity):
                self._newest[entity["id"]] = entity, message
            lines = b"".join(self._lines(entity))
            if lines:
                self._open().write(lines)
            self._taken += 1

    def newest(self, prepared: Prepared) -> Prepared:
        """Puts the newest reading of each entity into a batch, to be posted before the past is taken in."""
        self._taken -= len(self._newest)  # they count as posted
        for parcel in self._newest.values():
            prepared.by_tenant[self._tenant].append(parcel)
        self._newest.clear()
        return prepared

    def counted(self) -> int:
        """How many entities were taken since the last time, beside those that are posted."""
        taken, self._taken = self._taken, 0
        return taken

    async def flush(self, done: Callable[[], None]) -> None:
        """Has the file taken in while the next one is written; `done` is called when the broker's history has it."""
        await self.land()
        if self._file is None:
            done()
            return
        self._file.close()
        path, self._file = Path(self._file.name), None
        self._said.clear()
        self._under_way = asyncio.create_task(self._import(path, done))

    async def land(self) -> None:
        """Waits until everything is taken in. Raises NotImported."""
        if self._under_way is not None:
            task, self._under_way = self._under_way, None
            await task

    async def _import(self, path: Path, done: Callable[[], None]) -> None:
        tenant = ("--tenant", self._tenant)
        process = await asyncio.create_subprocess_exec(
            *self._command, *tenant, str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await process.communicate()
        if process.returncode:
            raise NotImported(told.decode(errors="replace").strip() or "yukitsuri import failed")
        await asyncio.to_thread(path.unlink)
        done()

    def _open(self) -> BinaryIO:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._number += 1
            path = self._folder / f"{self._tenant}-{self._number}.jsonl"
            path.touch(mode=0o600)
            self._file = path.open("wb")
        return self._file

    def _lines(self, entity: dict[str, Any]) -> Iterator[bytes]:
        about = {"id": entity["id"], "type": self._iris.get(entity["type"], entity["type"])}
        for name, member in entity.items():
            if not isinstance(member, dict) or "observedAt" not in member or not member.keys() <= PLAIN:
                continue
            key, value = (entity["id"], name), member["value"]
            if value == member["observedAt"] or self._said.get(key) == value:
                continue
            self._said[key] = value
            told = {
                **about,
                "attribute": self._iris.get(name, name),
                "value": value,
                "observedAt": member["observedAt"],
            }
            if member["type"] != "Property":
                told["kind"] = member["type"]
            if "unitCode" in member:
                told["unitCode"] = member["unitCode"]
            yield orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _instant(entity: dict[str, Any]) -> str:
    times = (each["observedAt"] for each in entity.values() if isinstance(each, dict) and "observedAt" in each)
    return max(times, default="")
