"""MQTT 3.1.1, QoS 1: a message is acknowledged only after the broker has committed it.

The session is persistent and the client id fixed, so the server keeps what arrives while we are away and sends again
whatever was not acknowledged. The server's in-flight window is the back-pressure.
"""

import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import aiomqtt

from adapters.contract import Message, Outcome, SourceSettings

log = logging.getLogger(__name__)


class MqttSettings(SourceSettings):
    """`url` is `mqtt://` or `mqtts://`, ADAPTERS_MQTT_URL when empty.

    `topic` may hold wildcards or be shared (`$share/group/filter`); `client_id` must be unique per server.
    With `spool`, messages are acknowledged once they are on our disk while the broker is away: for a server that gives
    QoS 0 only or keeps little for a client that does not acknowledge.
    """

    transport: Literal["mqtt"] = "mqtt"
    topic: str
    url: str = ""
    client_id: str = ""
    spool: bool = False


async def subscribe(settings: MqttSettings, url: str, client_id: str) -> AsyncIterator[Message]:
    """Messages of one subscription. Raises aiomqtt.MqttError when the connection is lost."""
    async with _client(settings.url or url, settings.client_id or client_id) as client:
        _granted(settings.topic, await client.subscribe(settings.topic, qos=1))
        async for message in client.messages:
            yield _message(client, message)


def _granted(topic: str, answer: Any) -> None:
    """Raises aiomqtt.MqttError when the server refuses the subscription; QoS 0 is worth a warning."""
    code = int(getattr(answer[0], "value", answer[0]))
    if code >= 128:
        raise aiomqtt.MqttError(f"the server refuses the subscription to {topic}")
    if code == 0:
        log.warning("mqtt: %s comes with QoS 0 only: what is under way when this process dies is lost", topic)
    log.info("mqtt: listening on %s", topic)


def _client(url: str, client_id: str) -> aiomqtt.Client:
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    client = aiomqtt.Client(
        parts.hostname or "127.0.0.1",
        parts.port or (8883 if secure else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=client_id,
        clean_session=False,
        tls_context=ssl.create_default_context() if secure else None,
    )
    # aiomqtt acknowledges on arrival and has no option for it; paho, underneath, can leave it to us.
    client._client.manual_ack_set(True)
    return client


def _message(client: aiomqtt.Client, message: aiomqtt.Message) -> Message:
    async def settle(outcome: Outcome) -> None:
        # On a connection lost meanwhile this does nothing: the server sends the message again.
        client._client.ack(message.mid, message.qos)

    body = bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else str(message.payload).encode()
    return Message(body, datetime.now(UTC), str(message.topic), settle=settle)
