"""A load generator: keep-alive connections that each send the next request when the last one is answered."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

Next = Callable[[int], bytes]


@dataclass
class Result:
    """Latencies in seconds, statuses, and how long the whole took."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        if len(self.latencies) == 1:
            return self.latencies[0]
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]

    def __str__(self) -> str:
        p50, p95, p99 = (self.percentile(percent) * 1000 for percent in (50, 95, 99))
        bad = {status: count for status, count in self.statuses.items() if status >= 400}
        failed = f", refused: {bad}" if bad else ""
        return f"{self.rate:,.0f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms{failed}"


def request(method: str, path: str, body: bytes = b"", media: str = "application/json") -> bytes:
    """One HTTP/1.1 request as bytes; `path` with its query."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
    if body:
        head += f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def load(base: str, make: Next, *, connections: int, seconds: float) -> Result:
    """Runs `make(0)`, `make(1)`, ... over `connections` for `seconds` against the broker at `base`."""
    result, numbers = Result(), itertools.count()
    parts = urlsplit(base)
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [_Client(make, numbers, result, begun + seconds) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, parts.hostname, parts.port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    result.seconds = time.perf_counter() - begun
    return result


class _Client(asyncio.Protocol):
    def __init__(self, make: Next, numbers: Iterator[int], result: Result, until: float) -> None:
        self._make, self._numbers, self._result, self._until = make, numbers, result, until
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._result.latencies.append(now - self._sent)
        self._result.statuses[self._parser.get_status_code()] += 1
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._transport.write(self._make(next(self._numbers)))
