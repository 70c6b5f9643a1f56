"""ELTRES uplinks to entities: the Device that spoke, and what it observed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from adapters.codecs.jst import local, plausible
from adapters.contract import Decode, DecodeError, Message
from adapters.eltres.devices import Terminal
from adapters.eltres.payload import LENGTH, Reading, decode_payload
from models import AirQualityObserved, Device, Model, Vehicle, WeatherObserved, urn

SOURCE = "eltres"

OBSERVED: dict[str, type[AirQualityObserved] | type[WeatherObserved]] = {
    "AirQualityObserved": AirQualityObserved,
    "WeatherObserved": WeatherObserved,
}
QUANTITIES = {
    "AirQualityObserved": {"temperature", "relative_humidity", "co2"},
    "WeatherObserved": {"temperature", "relative_humidity", "atmospheric_pressure"},
    "Vehicle": {"altitude"},
    "Device": {"altitude", "channel", "trigger_1", "trigger_2"},
}


class Uplink(NamedTuple):
    """One frame as it was delivered. `sent_at` is None when the delivery names no time."""

    terminal: str
    payload: bytes
    sent_at: datetime | None


def decoder(terminals: Mapping[str, Terminal]) -> Decode:
    """The decoder for these terminals."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        for uplink in uplinks(message):
            if isinstance(uplink, DecodeError):
                yield uplink
                continue
            try:
                yield from entities(uplink, _known(terminals, uplink.terminal), message.received_at)
            except DecodeError as error:
                yield error.of_row(_raw(uplink))

    return decode


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


def entities(uplink: Uplink, terminal: Terminal, received_at: datetime) -> Iterator[Model]:
    """The Device and, when the frame holds something of it, the observed entity. Raises DecodeError."""
    reading = decode_payload(terminal.layout, uplink.payload)
    at = reading.observed_at or uplink.sent_at or received_at
    plausible("time", at, received_at)
    unheld = reading.quantities.keys() - QUANTITIES[terminal.type] - QUANTITIES["Device"]
    if unheld:
        held = ", ".join(sorted(unheld))
        raise DecodeError("payload type", f"0x{uplink.payload[0]:02x}", f"holds {held}, which no {terminal.type} does")
    yield _device(terminal, reading, at)
    if (observed := _observed(terminal, reading, at)) is not None:
        yield observed


def _device(terminal: Terminal, reading: Reading, at: datetime) -> Device:
    values: dict[str, Any] = {name: reading.quantities.get(name) for name in QUANTITIES["Device"]}
    return Device(
        id=urn("Device", SOURCE, terminal.terminal),
        observed_at=at,
        name=terminal.name or None,
        category=("sensor",),
        controlled_property=terminal.controlled or None,
        serial_number=terminal.terminal,
        location=reading.location or terminal.location,
        **values,
    )


def _observed(terminal: Terminal, reading: Reading, at: datetime) -> Model | None:
    entity, name = urn(terminal.type, SOURCE, terminal.code), terminal.name or None
    if terminal.type == "Vehicle" and reading.location is not None:
        return Vehicle(
            id=entity,
            observed_at=at,
            name=name,
            vehicle_type="constructionOrMaintenanceVehicle",
            category=("municipalServices", "tracked"),
            location=reading.location,
            altitude=reading.quantities.get("altitude"),
        )
    values: dict[str, Any] = {
        key: reading.quantities[key] for key in reading.quantities.keys() & QUANTITIES[terminal.type]
    }
    if terminal.type not in OBSERVED or not values:
        return None
    # What stands at a fixed place keeps it; only a moving terminal takes the place its frames report.
    place = terminal.location or reading.location
    return OBSERVED[terminal.type](id=entity, observed_at=at, name=name, location=place, **values)


def _known(terminals: Mapping[str, Terminal], terminal: str) -> Terminal:
    if terminal not in terminals:
        raise DecodeError("deviceId", terminal, "is not in the device table")
    return terminals[terminal]


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


def _raw(uplink: Uplink) -> bytes:
    """The frame as a delivery of its own, with the time it was sent at."""
    sent = {"sendDateTime": uplink.sent_at.isoformat()} if uplink.sent_at else {}
    return orjson.dumps({"deviceId": uplink.terminal, "payload": uplink.payload.hex(), **sent})
