"""An endpoint that takes notifications: real HTTP on loopback, answering as it is told."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Taken:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes
    at: float
    status: int
    in_time: bool = True

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def sequence(self) -> int:
        return int(self.headers["notification-sequence"])

    @property
    def data(self) -> Any:
        return self.body["data"]


Answer = Callable[["Sink", Taken], Awaitable[int]]


async def _ok(_: "Sink", __: Taken) -> int:
    return 200


@dataclass
class Sink:
    """`answer` gives the status of each request; 0 resets the connection."""

    answer: Answer = _ok
    requests: list[Taken] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    _server: Any = None
    _writers: set[Any] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/notify" if self.tls else f"http://127.0.0.1:{self.port}/notify"

    @property
    def taken(self) -> list[Taken]:
        return [item for item in self.requests if 200 <= item.status < 300]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1000, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def __aenter__(self) -> "Sink":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def wait(self, count: int, seconds: float = 10) -> list[Taken]:
        """The successes, once there are `count` of them; fails when they do not come."""
        return await until(lambda: self.taken if len(self.taken) >= count else None, seconds)

    async def quiet(self, seconds: float = 0.4) -> list[Taken]:
        """The successes after a time in which everything that was coming has come."""
        await asyncio.sleep(seconds)
        return self.taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                loop = asyncio.get_running_loop()
                request = Taken(head[0].split(" ")[1], headers, raw, loop.time(), 0)
                self.requests.append(request)
                request.status = await self.answer(self, request)
                request.in_time = loop.time() - request.at < 0.4
                if not request.status:
                    writer.transport.abort()
                    return
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % request.status)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def until(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What `found` gives as soon as it gives something."""
    end = asyncio.get_running_loop().time() + seconds
    while not (result := found()):
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.01)
    return result
