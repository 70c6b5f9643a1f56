"""HTTP/1.1 as notifications need it: POST on connections that are kept, one request at a time on each.

Measured against aiohttp (see tests/bench/notifications.py): a general client costs as much per request as the rest
of a notification; and the address that was checked must be the one that is connected to.
"""

import asyncio
import ssl
from collections import deque
from pathlib import Path
from typing import Any, Final

import httptools

from broker.guard import Guard
from broker.subscriptions.tls import trusting
from ngsi.endpoint import Address

_MOST_BODY: Final = 64 * 1024
_IDLE: Final = 30.0  # seconds that an unused connection is kept
_HINTS: Final = frozenset({b"retry-after"})

Place = tuple[str, str, int]


class Lost(ConnectionError):
    """The connection ended before an answer."""


class _Connection(asyncio.Protocol):
    """One connection; `exchange` may be called again once the last one is answered."""

    def __init__(self) -> None:
        self.used = 0
        self.free_since = 0.0
        self.open = False
        self._transport: Any = None
        self._parser: Any = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._size = 0
        self._headed = False
        self._retry_after = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.open = True

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._headed and self._answer is not None and not self._answer.done():
            self._done(keep=False)  # a body without a length ends with its connection
        self._fail(Lost("the connection was closed before an answer"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, AttributeError):
            self._fail(Lost("what came back is not HTTP"))
            self.close()

    async def exchange(self, request: bytes, seconds: float) -> tuple[int, bytes]:
        """Status and Retry-After of the answer. Raises Lost or TimeoutError."""
        loop = asyncio.get_running_loop()
        self.used += 1
        self._size, self._headed, self._retry_after = 0, False, b""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = loop.create_future()
        timer = loop.call_later(seconds, self._time_out)
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            timer.cancel()
            if not self._answer.done() or self._answer.cancelled() or self._answer.exception():
                self.close()

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def _time_out(self) -> None:
        self._fail(TimeoutError("no answer in time"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in _HINTS:
            self._retry_after = value

    def on_headers_complete(self) -> None:
        self._headed = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > _MOST_BODY:  # the status says enough
            self._done(keep=False)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._done(keep=self._parser.should_keep_alive())

    def _done(self, *, keep: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._retry_after))
        if not keep:
            self.close()


class Wire:
    """The kept connections, by where they lead."""

    def __init__(self, guard: Guard, connect_timeout: float, authorities: Path | None = None) -> None:
        self._guard = guard
        self._connect_timeout = connect_timeout
        self._idle: dict[Place, deque[_Connection]] = {}
        self._authorities = authorities
        self._tls: ssl.SSLContext | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def post(self, address: Address, request: bytes, seconds: float) -> tuple[int, bytes]:
        """Send the whole `request`; the answer's status and Retry-After. Raises Refused, OSError, TimeoutError."""
        place = (address.scheme, address.host, address.port)
        while True:
            connection = self._kept(place) or await self._connect(address, min(seconds, self._connect_timeout))
            kept_before = connection.used > 0
            try:
                answer = await connection.exchange(request, seconds)
            except Lost:
                # a server may close a kept connection at any time: that is no failure, the next one tells
                if kept_before:
                    continue
                raise
            if connection.open:
                self._keep(place, connection)
            return answer

    def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _kept(self, place: Place) -> _Connection | None:
        connections = self._idle.get(place)
        while connections:
            connection = connections.pop()
            if connection.open:
                return connection
        return None

    def _keep(self, place: Place, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        connection.free_since = loop.time()
        self._idle.setdefault(place, deque()).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_IDLE / 2, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for place, connections in list(self._idle.items()):
            while connections and (not connections[0].open or loop.time() - connections[0].free_since > _IDLE):
                connections.popleft().close()
            if not connections:
                del self._idle[place]
        self._sweeper = loop.call_later(_IDLE / 2, self._sweep) if self._idle else None

    async def _connect(self, address: Address, seconds: float) -> _Connection:
        tls = self._context() if address.scheme == "https" else None
        loop = asyncio.get_running_loop()
        error: Exception = OSError("no address")
        async with asyncio.timeout(seconds):
            for ip in await self._guard.addresses(address.host, address.port):
                try:
                    _, connection = await loop.create_connection(
                        _Connection, ip, address.port, ssl=tls, server_hostname=address.host if tls else None
                    )
                except OSError as failed:
                    error = failed
                else:
                    return connection
        raise error

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or trusting(self._authorities)
        return self._tls
