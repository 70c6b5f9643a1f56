"""ELTRES uplinks to entities: the Device that spoke, and what it observed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.codecs.jst import plausible
from adapters.contract import Decode, DecodeError, Message
from adapters.eltres.devices import Terminal
from adapters.eltres.payload import Reading, decode_payload
from adapters.eltres.uplink import Uplink, uplinks
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
                yield error.of_row(uplink.raw)

    return decode


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
        **_where(terminal, reading),
        **values,
    )


def _where(terminal: Terminal, reading: Reading) -> dict[str, Any]:
    """The place of the table for what stands, the reported one for what moves."""
    if terminal.location is None:
        return {"location": reading.location}
    return {"place": terminal.location, "reported_location": reading.location}


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
