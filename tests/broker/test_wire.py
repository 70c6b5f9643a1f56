"""Answers as servers really give them, read by the client for notifications."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from broker.guard import Guard
from broker.subscriptions.wire import Lost, Wire
from ngsi.endpoint import Address

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    one = Wire(Guard("127.0.0.0/8"), 1)
    yield one
    one.close()


async def ask(wire: Wire, *answers: bytes, times: int = 1, close: bool = False) -> tuple[list[int], int]:
    """The statuses of requests to a server that answers each with the pieces, and how many connections it took."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                await reader.readexactly(len(REQUEST))
                for piece in answers:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                if close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    place = Address("http", "127.0.0.1", server.sockets[0].getsockname()[1], "/")
    try:
        return [(await wire.post(place, REQUEST, 1))[0] for _ in range(times)], connections
    finally:
        server.close()


@pytest.mark.parametrize(
    "answers",
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"yes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nyes\r\n", b"0\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
        (b"HTT", b"P/1.1 20", b"2 Accepted\r\nContent-", b"Length: 0\r\n\r\n"),
    ],
)
async def test_answers_keep_the_connection(wire: Wire, answers: tuple[bytes, ...]) -> None:
    statuses, connections = await ask(wire, *answers, times=3)
    assert all(200 <= status < 300 for status in statuses)
    assert connections == 1


async def test_a_body_without_a_length_ends_with_its_connection(wire: Wire) -> None:
    statuses, connections = await ask(wire, b"HTTP/1.0 200 OK\r\n\r\nanything", times=2, close=True)
    assert statuses == [200, 200]
    assert connections == 2


async def test_a_kept_connection_that_the_server_closed_is_no_failure(wire: Wire) -> None:
    statuses, connections = await ask(wire, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", times=3, close=True)
    assert statuses == [200, 200, 200]
    assert connections == 3


async def test_a_huge_answer_is_cut_off(wire: Wire) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    statuses, _ = await ask(wire, head, b"x" * 200_000)
    assert statuses == [200]


async def test_silence_nonsense_and_hanging_up_are_told_apart(wire: Wire) -> None:
    with pytest.raises(TimeoutError):
        await ask(wire)
    with pytest.raises(Lost):
        await ask(wire, b"SSH-2.0-OpenSSH_9.6\r\n")
    with pytest.raises(Lost):
        await ask(wire, close=True)
