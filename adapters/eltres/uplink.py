"""The deliveries an ELTRES frame comes in: bare, as hex, or in JSON."""

from collections.abc import Iterator

import orjson

from adapters.codecs.lpwa.eltres import LENGTH
from adapters.codecs.lpwa.push import PushNames, payload_of, pushed
from adapters.codecs.lpwa.uplink import Uplink
from adapters.contract import DecodeError, Message


def uplinks(message: Message, names: PushNames) -> Iterator[Uplink | DecodeError]:
    """The frames of a delivery: 16 raw bytes, 32 hex digits, or JSON. Raises DecodeError for anything else.

    JSON is one object with deviceId, payload (hex) and sendDateTime or time, a list of them, or the `payload` list of
    CLIP Viewer Lite; `names` may say otherwise. Bytes and hex take the terminal from the topic's last part.
    """
    body = message.body
    if len(body) == LENGTH:
        return iter((_bare(message, body),))
    text = body.strip()
    if len(text) == 2 * LENGTH and not text.startswith((b"{", b"[")):
        return iter((_bare(message, payload_of(text.decode("ascii", errors="replace"))),))
    return pushed(body, names)


def _bare(message: Message, payload: bytes) -> Uplink:
    terminal = message.topic.rsplit("/", 1)[-1].upper()
    return Uplink(
        terminals=(terminal,),
        payload=payload,
        delivery=orjson.dumps({"deviceId": terminal, "payload": payload.hex()}),
    )
