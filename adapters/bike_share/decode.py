"""Bike share ports and parked vehicles (formats document d): GBFS 2.3 and 3.0, and lists of ports as CSV.

station_information and station_status describe the same ports by station_id, so each makes its part of the same entity:
what the port is from the one, what it holds from the other. A number a system does not publish is left out. Vehicles
(free_bike_status, vehicle_status) go to the restricted tenant and expire: their ids change with every trip.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from adapters.codecs import gbfs
from adapters.codecs.cells import Cells
from adapters.codecs.jst import plausible
from adapters.codecs.number import Range, number, within
from adapters.codecs.station import place, position
from adapters.codecs.table import Row, read_rows, rows
from adapters.contract import Decode, DecodeError, Item, Message, Restricted
from models import BikeHireDockingStation, Model, Point, Vehicle, urn

# field of the model: names in 2.3 and 3.0
COUNTS = {
    "total_slot_number": ("capacity",),
    "available_bike_number": ("num_bikes_available", "num_vehicles_available"),
    "free_slot_number": ("num_docks_available",),
    "out_of_service_slot_number": ("num_docks_disabled",),
}
OBSERVED = ("num_bikes_available", "num_vehicles_available", "num_docks_available", "is_installed", "is_renting")
MOST = 100_000


COLUMNS = {
    "code": ("station_id", "ポートID", "ポート番号", "ID", "No"),
    "name": ("name", "ポート名", "ポート名称", "名称"),
    "latitude": ("lat", "緯度"),
    "longitude": ("lon", "経度"),
    "capacity": ("capacity", "ラック数", "収容台数", "駐輪可能台数"),
}
REMEMBERED = timedelta(days=1)


class System(NamedTuple):
    """One bike share system: the middle part of the ids, its operator, and what its vehicles are."""

    name: str
    provider: str | None
    vehicle_type: str


class Document(NamedTuple):
    """What every object of one GBFS document shares; `ports` are the places of the system's ports known so far."""

    page: Mapping[str, Any]
    received_at: datetime
    ports: dict[str, Point]


def decoder(system: System) -> Decode:
    """The decoder for one bike share system. It remembers where the ports are: a bike at one may not say so itself."""
    ports: dict[str, Point] = {}

    def decode(message: Message) -> Iterator[Item]:
        if not message.body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[", b"<")):
            yield from _listed(system, message)
            return
        page = gbfs.document(message.body)
        name, read = _reader(page)
        for each in gbfs.listed(page, name):
            alone = orjson.dumps({**page, "data": {name: [each]}})
            cells = Cells()
            try:
                yield read(system, each, Document(page, message.received_at, ports), cells)
            except DecodeError as error:
                cells.errors.append(error)
            for bad in cells.errors:
                yield bad.of_row(alone)

    return decode


def _reader(page: Mapping[str, Any]) -> tuple[str, Callable[[System, Any, Document, Cells], Item]]:
    """Which list the document holds, and what makes entities of it."""
    for name, read in READERS.items():
        if name in page["data"]:
            return name, read
    return "stations", _port


def _listed(system: System, message: Message) -> Iterator[Model | DecodeError]:
    """Ports of a list that says what they are and nothing of what they hold."""

    def read(row: Row) -> Iterator[Model | DecodeError]:
        cells, told = Cells(), {name: cell.strip() for name, cell in row.cells.items()}
        if not told["code"]:
            raise DecodeError("station_id", "", "is missing")
        capacity = cells.attempt(lambda: number("capacity", told.get("capacity", ""), Range(0, MOST)))
        yield BikeHireDockingStation(
            id=urn("BikeHireDockingStation", system.name, told["code"]),
            location=cells.attempt(lambda: position(told.get("latitude", ""), told.get("longitude", ""))),
            station_name=told["name"] or None,
            station_code=told["code"],
            provider=system.provider,
            total_slot_number=None if capacity is None else int(capacity),
        )
        yield from cells.errors

    return read_rows(rows(message.body, COLUMNS, ("code", "name")), read)


def _port(system: System, station: Any, document: Document, cells: Cells) -> BikeHireDockingStation:
    code = _code(station, "station_id")
    counts: dict[str, Any] = {
        field: cells.attempt(lambda n=names: _count(station, n))  # type: ignore[misc]
        for field, names in COUNTS.items()
    }
    entity = urn("BikeHireDockingStation", system.name, code)
    if (where := cells.attempt(lambda: place(station.get("lat"), station.get("lon")))) is not None:
        document.ports[entity] = where
    return BikeHireDockingStation(
        id=entity,
        observed_at=_observed_at(station, document),
        location=where,
        station_name=gbfs.text(station.get("name")),
        station_code=code,
        provider=system.provider,
        status=_status(station, counts),
        **counts,
    )


def _vehicle(system: System, told: Any, document: Document, cells: Cells) -> Restricted:
    """A vehicle that waits: whoever rides is in no GBFS document."""
    code = _code(told, "vehicle_id", "bike_id")
    station = told.get("station_id")
    at = _reported(told, document)
    port = urn("BikeHireDockingStation", system.name, station) if isinstance(station, str) and station else None
    fix = cells.attempt(lambda: place(told.get("lat"), told.get("lon")))
    where = fix or document.ports.get(port or "")
    vehicle = Vehicle(
        id=urn("Vehicle", system.name, code),
        observed_at=at,
        vehicle_type=system.vehicle_type,
        category=("public", "tracked"),
        fleet_vehicle_id=code,
        location=where,
        position_source="gbfs" if fix else "port" if where else None,
        battery=cells.attempt(lambda: _share(told.get("current_fuel_percent"))),
        current_range=cells.attempt(lambda: _range(told.get("current_range_meters"))),
        service_status="outOfService" if told.get("is_disabled") is True else "parked",
        ref_station=port,
    )
    return Restricted(vehicle, document.received_at + REMEMBERED)


def _code(told: Any, *names: str) -> str:
    code = next((told[name] for name in names if name in told), None) if isinstance(told, dict) else None
    if not isinstance(code, str) or not code:
        raise DecodeError(names[0], told, "is missing or no text")
    return code


def _share(value: Any) -> float | None:
    return (
        None if value is None else within("current_fuel_percent", _number("current_fuel_percent", value), Range(0, 1))
    )


def _range(value: Any) -> float | None:
    return None if value is None else within("current_range_meters", _number("range", value), Range(0, 1_000_000))


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(field, value, "is no number")
    return float(value)


def _observed_at(station: Mapping[str, Any], document: Document) -> datetime | None:
    """When the status was reported; None for a station that only says what it is."""
    if not any(name in station for name in OBSERVED):
        return None
    return _reported(station, document)


def _reported(told: Mapping[str, Any], document: Document) -> datetime:
    """When it last reported; where it has not (null, 0 and -1 are seen), when the document was made."""
    field = "last_updated" if told.get("last_reported") in (None, 0, -1, "") else "last_reported"
    value = told["last_reported"] if field == "last_reported" else document.page["last_updated"]
    return plausible(field, gbfs.instant(field, value), document.received_at)


def _count(station: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in station:
            value = station[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not _whole(value):
                raise DecodeError(name, value, f"is no whole number from 0 to {MOST}")
            return int(value)
    return None


def _whole(value: float) -> bool:
    return 0 <= value <= MOST and value == int(value)


def _status(station: Mapping[str, Any], counts: Mapping[str, int | None]) -> str | None:
    """The model's one word for a port; None when the station says nothing about its state."""
    if not any(name in station for name in OBSERVED):
        return None
    # The first GBFS wrote 0 for false.
    if station.get("is_installed") in (False, 0) or station.get("is_renting") in (False, 0):
        return "outOfService"
    if counts["available_bike_number"] == 0:
        return "empty"
    if station.get("is_returning") in (False, 0):
        return "withIncidence"  # one can take a bike here and not bring one back
    return "full" if counts["free_slot_number"] == 0 else "working"


READERS: dict[str, Callable[[System, Any, Document, Cells], Item]] = {
    "stations": _port,
    "bikes": _vehicle,
    "vehicles": _vehicle,
}
