"""The deliveries an ELTRES frame comes in: bare, as hex, or in JSON."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from adapters.codecs.jst import local
from adapters.contract import DecodeError, Message
from adapters.eltres.payload import LENGTH


class Uplink(NamedTuple):
    """One frame as it was delivered. `sent_at` is None when the delivery names no time."""

    terminal: str
    payload: bytes
    sent_at: datetime | None

    @property
    def raw(self) -> bytes:
        """The frame as a delivery of its own, with the time it was sent at."""
        sent = {"sendDateTime": self.sent_at.isoformat()} if self.sent_at else {}
        return orjson.dumps({"deviceId": self.terminal, "payload": self.payload.hex(), **sent})


def uplinks(message: Message) -> Iterator[Uplink | DecodeError]:
    """The frames of a delivery: 16 raw bytes, 32 hex digits, or JSON. Raises DecodeError for anything else.

    JSON is one object with deviceId, payload (hex) and sendDateTime or time, a list of them, or the `payload` list of
    CLIP Viewer Lite. Times without a zone are Japanese. Bytes and hex take the terminal from the topic's last part.
    """
    body = message.body
    terminal = message.topic.rsplit("/", 1)[-1].upper()
    if len(body) == LENGTH:
        yield Uplink(terminal, body, None)
    elif len(text := body.strip()) == 2 * LENGTH and not text.startswith((b"{", b"[")):
        yield Uplink(terminal, _hex(text.decode("ascii", errors="replace")), None)
    else:
        for each in _objects(body):
            try:
                yield _uplink(each)
            except DecodeError as error:
                yield error.of_row(orjson.dumps(each))


def _objects(body: bytes) -> list[Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise DecodeError("message", body[:40], "is neither 16 bytes, 32 hex digits nor JSON") from None
    if isinstance(value, dict) and "result" in value and value["result"] != "success":
        raise DecodeError("result", value["result"], "is not success")
    if isinstance(value, dict) and isinstance(value.get("payload"), list):
        value = value["payload"]
    return value if isinstance(value, list) else [value]


def _uplink(value: Any) -> Uplink:
    if not isinstance(value, dict):
        raise DecodeError("uplink", value, "is no JSON object")
    terminal, payload = value.get("deviceId"), value.get("payload")
    if not isinstance(terminal, str) or not isinstance(payload, str):
        raise DecodeError("uplink", value, "lacks a deviceId or payload, both text")
    return Uplink(terminal.upper(), _hex(payload), _time(value.get("sendDateTime", value.get("time"))))


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise DecodeError("sendDateTime", value, "is no text")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return local("sendDateTime", value)
    return at if at.tzinfo else local("sendDateTime", value)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise DecodeError("payload", text, "is no hex") from None
