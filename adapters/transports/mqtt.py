"""MQTT 3.1.1, QoS 1: a message is acknowledged only after the broker has committed it.

The session is persistent and the client id fixed, so the server keeps what arrives while we are away and sends again
whatever was not acknowledged. The server's in-flight window is the back-pressure.
"""

import asyncio
import logging
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

import aiomqtt
from pydantic import field_validator

from adapters.contract import Message, Outcome, SourceSettings
from adapters.urls import url_of

log = logging.getLogger(__name__)

PUBACK = 0x40
PIECE = 65536
T = TypeVar("T")


class MqttSettings(SourceSettings):
    """`url` is `mqtt://` or `mqtts://`, ADAPTERS_MQTT_URL when empty.

    `topic` may hold wildcards or be shared (`$share/group/filter`); `client_id` must be unique per server.
    `username` and `password` may stand in the URL instead.
    With `spool`, messages are acknowledged once they are on our disk while the broker is away: for a server that gives
    QoS 0 only or keeps little for a client that does not acknowledge.
    """

    transport: Literal["mqtt"] = "mqtt"
    topic: str
    url: str = ""
    client_id: str = ""
    username: str = ""
    password: str = ""
    spool: bool = False

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, value: str) -> str:
        return value and url_of(value, "mqtt", "mqtts")

    @field_validator("topic")
    @classmethod
    def _is_filter(cls, value: str) -> str:
        *before, last = value.split("/")
        alone = all(level == "+" or not {"+", "#"} & set(level) for level in before)
        if not value or not alone or (last not in ("+", "#") and {"+", "#"} & set(last)):
            raise ValueError("in a topic filter + is a whole level, and # is the last one")
        return value


async def subscribe(settings: MqttSettings, url: str, client_id: str) -> AsyncIterator[Message]:
    """Messages of one subscription. Raises aiomqtt.MqttError when the connection is lost."""
    async with _client(settings, settings.url or url, settings.client_id or client_id) as client:
        _granted(settings.topic, await client.subscribe(settings.topic, qos=1))
        client._client._sock = _Buffered(client._client._sock)
        receipts = _Receipts(client)
        while True:
            # What has arrived needs no task to wait for it.
            yield _message(
                receipts, client._queue.get_nowait() if len(client.messages) else await anext(client.messages)
            )


def _granted(topic: str, answer: Any) -> None:
    """Raises aiomqtt.MqttError when the server refuses the subscription; QoS 0 is worth a warning."""
    code = int(getattr(answer[0], "value", answer[0]))
    if code >= 128:
        raise aiomqtt.MqttError(f"the server refuses the subscription to {topic}")
    if code == 0:
        log.warning("mqtt: %s comes with QoS 0 only: what is under way when this process dies is lost", topic)
    log.info("mqtt: listening on %s", topic)


class _Client(aiomqtt.Client):
    """Waits so that a cancellation is heeded: the `asyncio.wait_for` of Python 3.11, which aiomqtt waits with, swallows
    one that comes together with the answer, and what should have stopped goes on for ever."""

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109  as aiomqtt has it
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None


def connection(url: str, username: str = "", password: str = "", **more: Any) -> aiomqtt.Client:
    """A client for the server at `url`, with the user and password given or in it; `more` goes to aiomqtt."""
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    return _Client(
        parts.hostname or "127.0.0.1",
        parts.port or (8883 if secure else 1883),
        username=username or (unquote(parts.username) if parts.username else None),
        password=password or (unquote(parts.password) if parts.password else None),
        tls_context=ssl.create_default_context() if secure else None,
        **more,
    )


def _client(settings: MqttSettings, url: str, client_id: str) -> aiomqtt.Client:
    client = connection(url, settings.username, settings.password, identifier=client_id, clean_session=False)
    # aiomqtt acknowledges on arrival and has no option for it; paho, underneath, can leave it to us.
    client._client.manual_ack_set(True)
    return client


class _Buffered:
    """The client's socket, read in large pieces: paho asks for each packet in four, and each would be a call.

    aiomqtt asks `pending` whether there is more to be read before it waits, as it must with TLS.
    """

    def __init__(self, sock: Any) -> None:
        self._sock, self._held, self._at = sock, b"", 0

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._held):
            self._held, self._at = self._sock.recv(PIECE), 0
        start, self._at = self._at, self._at + size
        return self._held[start : self._at]

    def pending(self) -> int:
        under = self._sock.pending() if hasattr(self._sock, "pending") else 0
        return max(0, len(self._held) - self._at) + int(under)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Receipts:
    """Acknowledgements of one connection, gathered and written at once: a write for each costs more than the rest."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client, self._waiting = client._client, list[int]()

    def add(self, mid: int) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(mid)

    def _write(self) -> None:
        mids, self._waiting = self._waiting, []
        packets = b"".join(struct.pack("!BBH", PUBACK, 2, mid) for mid in mids)
        # On a connection lost meanwhile this does nothing: the server sends the messages again.
        self._client._packet_queue(PUBACK, packets, 0, 0)


def _message(receipts: _Receipts, message: aiomqtt.Message) -> Message:
    mid, acknowledged = message.mid, message.qos > 0

    async def settle(outcome: Outcome) -> None:
        if acknowledged:
            receipts.add(mid)

    body = bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else str(message.payload).encode()
    return Message(body, datetime.now(UTC), str(message.topic), settle=settle)
