"""Keeps child processes alive: start in order, restart with backoff, stop in reverse, leave nothing behind."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.errors import GroundError
from deploy.process import dying_with_parent
from deploy.progress import say, write_line

FIRST_DELAY = 1.0  # seconds before a crashed child is started again; doubles with each crash
LAST_DELAY = 30.0
_HOPELESS = 3  # crashes before it was ever ready
_STEADY = 60.0  # seconds after which a child counts as running well, so that its next crash waits FIRST_DELAY again


@dataclass(frozen=True)
class Service:
    """A child process as data. `command` is asked before every start, in a thread; it may prepare files."""

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[bool]] | None = None
    stop: signal.Signals = signal.SIGTERM
    kill: signal.Signals = signal.SIGKILL
    patience: float = 10.0  # seconds from stop to kill
    once: bool = False  # an exit with code 0 is the end of its work
    log: Path | None = None  # where its output goes; without one, to the terminal


class Supervisor:
    """Runs services until stop(); use it from the main thread only, with which its children die."""

    def __init__(self) -> None:
        self._children: list[_Child] = []

    async def start(self, service: Service, limit: float = 120.0) -> None:
        """Starts a service and waits until it is ready. Raises GroundError after `limit` seconds."""
        child = _Child(service)
        self._children.append(child)
        child.keeper = asyncio.create_task(child.keep())
        try:
            async with asyncio.timeout(limit):
                while not await child.is_ready():
                    if child.crashes == _HOPELESS:
                        raise GroundError(f"{service.name} does not start; see {service.log or 'its lines above'}")
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            where = service.log or "its lines above"
            raise GroundError(f"{service.name} is not ready after {limit:.0f} s; see {where}") from error

    async def run_once(self, service: Service) -> None:
        """Runs a service to its end. Raises GroundError unless it exits with code 0."""
        child = _Child(service)
        self._children.append(child)
        code = await child.run()
        if code:
            raise GroundError(f"{service.name} failed with exit code {code}; its lines are above")

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ends all children, the last started first; `hurry` ends the patience with them."""
        while self._children:
            await self._children.pop().end(hurry)


class _Child:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.process: asyncio.subprocess.Process | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.crashes = 0
        self._ending = False

    async def is_ready(self) -> bool:
        if self.keeper and self.keeper.done():
            self.keeper.result()  # an error in preparing the command is the answer
            return True
        if self.process is None or self.process.returncode is not None:
            return False
        return self.service.ready is None or await self.service.ready()

    async def keep(self) -> None:
        delay = FIRST_DELAY
        while not self._ending:
            began = time.monotonic()
            try:
                code = await self.run()
            except (GroundError, OSError) as error:
                if self.crashes == 0:  # the first start: whoever waits for it hears why
                    raise
                reason = str(error)
            else:
                if self._ending or (self.service.once and code == 0):
                    return
                reason = _how(code)
            self.crashes += 1
            delay = FIRST_DELAY if time.monotonic() - began > _STEADY else delay
            see = f", see {self.service.log}" if self.service.log else ""
            say(f"{self.service.name} ended ({reason}{see}); starting it again in {delay:.0f} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY)

    async def run(self) -> int:
        command = await asyncio.to_thread(self.service.command)
        if self._ending:
            return 0
        with _output(self.service.log) as output:
            self.process = await asyncio.create_subprocess_exec(
                *dying_with_parent(self.service.stop), *command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.service.environment}, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        relay = asyncio.create_task(_relay(self.process, self.service.name))
        code = await self.process.wait()
        await asyncio.wait({relay}, timeout=1)  # its last words, unless somebody else holds the pipe open
        relay.cancel()
        return code

    async def end(self, hurry: asyncio.Event) -> None:
        self._ending = True
        process = self.process
        if process and process.returncode is None:
            process.send_signal(self.service.stop)
            waits = [asyncio.ensure_future(process.wait()), asyncio.ensure_future(hurry.wait())]
            done, _ = await asyncio.wait(waits, timeout=self.service.patience, return_when=asyncio.FIRST_COMPLETED)
            if waits[0] not in done:
                process.send_signal(self.service.kill)
                await asyncio.wait(waits[:1], timeout=5)
            waits[1].cancel()
            with contextlib.suppress(ProcessLookupError):  # what it may have left in its session
                os.killpg(process.pid, signal.SIGKILL)
        if self.keeper:
            self.keeper.cancel()
            await asyncio.gather(self.keeper, return_exceptions=True)


@contextlib.contextmanager
def _output(log: Path | None) -> Iterator[int]:
    if log is None:
        yield asyncio.subprocess.PIPE
        return
    with log.open("ab") as file:
        yield file.fileno()


async def _relay(process: asyncio.subprocess.Process, name: str) -> None:
    """Writes the child's output line by line with its name in front; a line may have any length."""
    if process.stdout is None:
        return
    rest = b""
    while chunk := await process.stdout.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            _write(name, line)
    if rest:
        _write(name, rest)


def _write(name: str, line: bytes) -> None:
    label = f"{name:>9} |"
    if sys.stderr.isatty():
        label = f"\033[36m{label}\033[0m"
    write_line(f"{label} {line.decode(errors='replace')}")


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
