"""Notifications by MQTT(S), 3.1.1 and 5.0 (GS CIM 009, 7.2)."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import aiomqtt
import orjson

from broker.guard import Guard, Refused
from broker.subscriptions.message import SEQUENCE, Headers, Message, NotTaken, signature
from broker.subscriptions.tls import told, trusting_as
from ngsi.endpoint import Address, Endpoint

_VERSIONS: Final = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}
_KEEPALIVE: Final = 30
T = TypeVar("T")


class Server:
    """One connection to one server as one user; it is made again when it is needed and gone."""

    def __init__(
        self, guard: Guard, address: Address, version: str, seconds: float, authorities: Path | None = None
    ) -> None:
        self._guard = guard
        self._address = address
        self._version = version
        self._seconds = seconds
        self._authorities = authorities
        self._client: aiomqtt.Client | None = None
        self._connecting = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None  # the event loop itself holds tasks weakly

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Returns when the server has it (QoS 1, 2) or it is under way (QoS 0). Raises Refused, MqttError, OSError."""
        client = self._client
        if client is not None:
            try:
                await client.publish(topic, payload, qos, timeout=self._seconds)
            except aiomqtt.MqttError:
                await self._drop(client)  # idle connections die unseen: the next one tells
            else:
                return
        client = await self._connected()
        try:
            await client.publish(topic, payload, qos, timeout=self._seconds)
        except aiomqtt.MqttError:
            await self._drop(client)
            raise

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._client is not None:
            await self._drop(self._client)

    async def _connected(self) -> aiomqtt.Client:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
                self._watching = asyncio.create_task(self._watch(self._client))
            return self._client

    async def _connect(self) -> aiomqtt.Client:
        address = self._address
        error: Exception = OSError("no address")
        for ip in await self._guard.addresses(address.host, address.port):
            client = self._made(ip)
            try:
                await client.__aenter__()
            except (aiomqtt.MqttError, OSError) as failed:
                error = failed
            else:
                return client
        raise error

    def _made(self, ip: str) -> aiomqtt.Client:
        """A client for the very address that was checked."""
        address = self._address
        return _Client(
            ip,
            address.port,
            username=address.user,
            password=address.password,
            protocol=_VERSIONS[self._version],
            timeout=self._seconds,
            keepalive=_KEEPALIVE,
            tls_context=trusting_as(address.host, self._authorities) if address.scheme == "mqtts" else None,
        )

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Hear of the connection's end when it comes, not only when the next notification is due."""
        with suppress(aiomqtt.MqttError):
            async for _ in client.messages:
                pass
        await self._drop(client)

    async def _drop(self, client: aiomqtt.Client) -> None:
        if self._client is client:
            self._client = None
        with suppress(aiomqtt.MqttError, OSError):
            await client.__aexit__(None, None, None)


class _Client(aiomqtt.Client):
    """Waits so that a cancellation is heeded: the `asyncio.wait_for` of Python 3.11, which aiomqtt waits with, swallows
    one that comes together with the answer, and what should have stopped goes on for ever."""

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109  as aiomqtt has it
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None


class MqttChannel:
    """Publishes each notification with its metadata."""

    def __init__(self, server: Server, endpoint: Endpoint, headers: Headers) -> None:
        self._server = server
        self._endpoint = endpoint
        self._metadata = dict(headers)
        self._qos = int(endpoint.notifier("MQTT-QoS", "0"))

    async def send(self, message: Message) -> None:
        """Raises NotTaken."""
        try:
            await self._server.publish(self._endpoint.address.path, self._payload(message), self._qos)
        except Refused as error:
            raise NotTaken(str(error)) from None
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise NotTaken(f"not published: {told(error) or error}") from None

    def _payload(self, message: Message) -> bytes:
        signed = signature(self._endpoint.secrets, message, int(time.time()))
        metadata = {**self._metadata, "Via": message.via, SEQUENCE: str(message.sequence), **dict(signed)}
        return b'{"metadata":%b,"body":%b}' % (orjson.dumps(metadata), message.body)
