"""Notifications by MQTT(S), 3.1.1 and 5.0 (GS CIM 009, 7.2)."""

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Any, Final

import aiomqtt
import orjson

from broker.guard import Guard, Refused
from broker.subscriptions.message import SEQUENCE, Headers, Message, NotTaken, signature
from ngsi.endpoint import Address, Endpoint

_VERSIONS: Final = {"mqtt3.1.1": aiomqtt.ProtocolVersion.V311, "mqtt5.0": aiomqtt.ProtocolVersion.V5}
_KEEPALIVE: Final = 30


class _Tls(ssl.SSLContext):
    """Checks the certificate of the host that was asked for, whatever address is connected to."""

    host: str = ""

    def wrap_socket(self, *given: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*given, **{**more, "server_hostname": self.host})


class Server:
    """One connection to one server as one user; it is made again when it is needed and gone."""

    def __init__(self, guard: Guard, address: Address, version: str, seconds: float) -> None:
        self._guard = guard
        self._address = address
        self._version = version
        self._seconds = seconds
        self._client: aiomqtt.Client | None = None
        self._connecting = asyncio.Lock()

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
        if self._client is not None:
            await self._drop(self._client)

    async def _connected(self) -> aiomqtt.Client:
        async with self._connecting:
            if self._client is None:
                client = await self._make()
                await client.__aenter__()
                self._client = client
            return self._client

    async def _make(self) -> aiomqtt.Client:
        """A client for the very address that was checked."""
        address = self._address
        found = await self._guard.addresses(address.host, address.port)
        return aiomqtt.Client(
            found[0],
            address.port,
            username=address.user,
            password=address.password,
            protocol=_VERSIONS[self._version],
            timeout=self._seconds,
            keepalive=_KEEPALIVE,
            tls_context=_tls(address.host) if address.scheme == "mqtts" else None,
        )

    async def _drop(self, client: aiomqtt.Client) -> None:
        if self._client is client:
            self._client = None
        with suppress(aiomqtt.MqttError, OSError):
            await client.__aexit__(None, None, None)


def _tls(host: str) -> ssl.SSLContext:
    context = _Tls(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.host = host
    return context


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
            raise NotTaken(f"not published: {error}") from None

    def _payload(self, message: Message) -> bytes:
        signed = signature(self._endpoint.secrets, message, int(time.time()))
        metadata = {**self._metadata, "Via": message.via, SEQUENCE: str(message.sequence), **dict(signed)}
        return b'{"metadata":%b,"body":%b}' % (orjson.dumps(metadata), message.body)
