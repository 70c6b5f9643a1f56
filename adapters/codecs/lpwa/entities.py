"""Uplinks to entities: the Device that spoke, and what it observed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.codecs.jst import plausible
from adapters.codecs.lpwa.uplink import QUANTITIES, WHOLE, Reading, Uplink
from adapters.contract import DecodeError
from models import (
    AirQualityObserved,
    Device,
    FloodMonitoring,
    IndoorEnvironmentObserved,
    Model,
    Vehicle,
    WeatherObserved,
    urn,
)

if TYPE_CHECKING:
    from adapters.codecs.lpwa.devices import Terminal

SNOW_MELTING = ("off", "on", "fault")
STALE = timedelta(minutes=10)


@dataclass(frozen=True)
class Kind:
    """What a terminal may observe: the model, what it watches in the Device model's words, and what is always said."""

    model: type[Model]
    controlled: tuple[str, ...]
    always: Mapping[str, Any]

    @property
    def holds(self) -> frozenset[str]:
        return frozenset(QUANTITIES) & {each.name for each in fields(self.model)}


_PLOUGH = {"vehicle_type": "constructionOrMaintenanceVehicle", "category": ("municipalServices", "tracked")}
KINDS = {
    "AirQualityObserved": Kind(AirQualityObserved, ("temperature", "humidity", "airPollution"), {}),
    "WeatherObserved": Kind(WeatherObserved, ("weatherConditions",), {}),
    "IndoorEnvironmentObserved": Kind(IndoorEnvironmentObserved, ("temperature", "humidity"), {}),
    "FloodMonitoring": Kind(FloodMonitoring, ("waterLevel",), {}),
    "Vehicle": Kind(Vehicle, ("location",), _PLOUGH),
    "Device": Kind(Device, (), {}),
}
HOLDS = {name: kind.holds for name, kind in KINDS.items()}
_DEVICE = HOLDS["Device"] | {"snow_melting"}


@dataclass(frozen=True, slots=True)
class Network:
    """One radio network: the middle part of the ids, and the protocol as the Device model calls it, where it does."""

    source: str
    protocols: tuple[str, ...] | None = None


def read_uplinks(
    network: Network,
    terminals: Mapping[str, "Terminal"],
    uplinks: Iterable[Uplink | DecodeError],
    received_at: datetime,
) -> Iterator[Model | DecodeError]:
    """What every uplink says. An uplink that cannot be read is set aside alone; the same one twice counts once."""
    seen: set[tuple[Any, ...]] = set()
    for uplink in uplinks:
        if isinstance(uplink, DecodeError):
            yield uplink
            continue
        if (key := (uplink.terminals, uplink.sent_at, uplink.payload)) in seen and uplink.sent_at is not None:
            continue
        seen.add(key)
        try:
            for item in entities(network, _known(terminals, uplink.terminals), uplink, received_at):
                yield item.of_row(uplink.delivery) if isinstance(item, DecodeError) else item
        except DecodeError as error:
            yield error.of_row(uplink.delivery)


def entities(
    network: Network, terminal: "Terminal", uplink: Uplink, received_at: datetime
) -> Iterator[Model | DecodeError]:
    """The Device and, when the frame holds something of it, the observed entity. Raises DecodeError."""
    reading = terminal.read(uplink) if uplink.payload or uplink.decoded is not None else Reading({})
    at = reading.observed_at or uplink.sent_at or received_at
    stale = _stale(reading, uplink)
    if stale:  # the radio repeats a frame of long ago: the terminal lives, its values are old
        assert uplink.sent_at is not None
        reading, at = Reading({}), uplink.sent_at
    plausible("time", at, received_at)
    yield _device(network, terminal, reading, uplink, at, stale)
    if (observed := _observed(network, terminal, reading, at)) is not None:
        yield observed
    if (unheld := reading.quantities.keys() - HOLDS[terminal.type] - _DEVICE) and not reading.loose:
        held = ", ".join(sorted(unheld))
        yield DecodeError(
            "payload type", f"0x{uplink.payload[:1].hex()}", f"holds {held}, which no {terminal.type} does"
        )


def _stale(reading: Reading, uplink: Uplink) -> bool | None:
    """Whether the payload's own time is far from the time of sending; None when one of them is not told."""
    if reading.observed_at is None or uplink.sent_at is None:
        return None
    return abs(reading.observed_at - uplink.sent_at) > STALE


def _device(
    network: Network, terminal: "Terminal", reading: Reading, uplink: Uplink, at: datetime, stale: bool | None
) -> Device:
    own = reading.quantities.keys() - (HOLDS[terminal.type] if terminal.type != "Device" else frozenset())
    values: dict[str, Any] = {
        **uplink.about,
        **_values(reading, own & HOLDS["Device"]),
        **reading.texts,
        **_melting(reading),
    }
    location = reading.location or uplink.location
    # The place of the table for what stands, the reported one for what moves.
    values["reported_location" if terminal.location else "location"] = location
    return Device(
        id=urn("Device", network.source, terminal.terminal),
        observed_at=at,
        name=terminal.name or None,
        category=("sensor",),
        controlled_property=terminal.controlled or None,
        supported_protocol=network.protocols,
        serial_number=terminal.terminal,
        stale=stale,
        place=terminal.location,
        **values,
    )


def _observed(network: Network, terminal: "Terminal", reading: Reading, at: datetime) -> Model | None:
    kind = KINDS[terminal.type]
    if kind.model is Device:
        return None
    values = _values(reading, reading.quantities.keys() & HOLDS[terminal.type])
    if not values and not (kind.model is Vehicle and reading.location):
        return None
    if kind.model is AirQualityObserved and values.get("wind_direction", 0) > 180:
        values["wind_direction"] -= 360  # from -180 to 180 in this model
    common: dict[str, Any] = {
        "id": urn(terminal.type, network.source, terminal.code),
        "observed_at": at,
        "name": terminal.name or None,
        # What stands at a fixed place keeps it; only a moving terminal takes the place its frames report.
        "location": terminal.location or reading.location,
        "ref_device": urn("Device", network.source, terminal.terminal),
    }
    if kind.model is FloodMonitoring:
        common["station_id"] = terminal.code
    return kind.model(**common, **kind.always, **values)


def _values(reading: Reading, names: Iterable[str]) -> dict[str, Any]:
    found = {name: reading.quantities[name] for name in reading.quantities if name in names}
    return {name: int(value) if name in WHOLE else value for name, value in found.items()}


def _melting(reading: Reading) -> dict[str, str]:
    state = reading.quantities.get("snow_melting")
    return {} if state is None else {"snow_melting_status": SNOW_MELTING[int(state)]}


def _known(terminals: Mapping[str, "Terminal"], names: tuple[str, ...]) -> "Terminal":
    for name in names:
        if name in terminals:
            return terminals[name]
    raise DecodeError("deviceId", names[0] if names else "", "is not in the device table")
