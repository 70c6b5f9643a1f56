"""GBFS station_information and station_status, 2.3 and 3.0, to BikeHireDockingStation (formats document d).

Both documents describe the same stations by station_id, so each makes its part of the same entity: what the port is
from the one, what it holds from the other. A number a system does not publish is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from adapters.codecs import gbfs
from adapters.codecs.jst import plausible
from adapters.codecs.number import Range, within
from adapters.contract import Decode, DecodeError, Message
from models import BikeHireDockingStation, Model, Point, urn

# field of the model: names in 2.3 and 3.0
COUNTS = {
    "total_slot_number": ("capacity",),
    "available_bike_number": ("num_bikes_available", "num_vehicles_available"),
    "free_slot_number": ("num_docks_available",),
    "out_of_service_slot_number": ("num_docks_disabled",),
}
OBSERVED = ("num_bikes_available", "num_vehicles_available", "num_docks_available", "is_installed", "is_renting")
MOST = 100_000


def decoder(system: str, provider: str | None) -> Decode:
    """The decoder for one bike share system."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        page = gbfs.document(message.body)
        for station in gbfs.stations(page):
            try:
                yield _port(system, provider, station, page, message.received_at)
            except DecodeError as error:
                yield error.of_row(orjson.dumps({**page, "data": {"stations": [station]}}))

    return decode


def _port(
    system: str, provider: str | None, station: Any, page: Mapping[str, Any], received_at: datetime
) -> BikeHireDockingStation:
    if not isinstance(station, dict) or not isinstance(station.get("station_id"), str) or not station["station_id"]:
        raise DecodeError("station_id", station, "is missing or no text")
    counts: dict[str, Any] = {field: _count(station, names) for field, names in COUNTS.items()}
    return BikeHireDockingStation(
        id=urn("BikeHireDockingStation", system, station["station_id"]),
        observed_at=_observed_at(station, page, received_at),
        location=_place(station),
        station_name=gbfs.text(station.get("name")),
        station_code=station["station_id"],
        provider=provider,
        status=_status(station, counts),
        **counts,
    )


def _observed_at(station: Mapping[str, Any], page: Mapping[str, Any], received_at: datetime) -> datetime | None:
    """When the status was reported; None for a station that only says what it is."""
    if not any(name in station for name in OBSERVED):
        return None
    field = "last_reported" if "last_reported" in station else "last_updated"
    value = station.get("last_reported", page["last_updated"])
    return plausible(field, gbfs.instant(field, value), received_at)


def _place(station: Mapping[str, Any]) -> Point | None:
    if "lat" not in station and "lon" not in station:
        return None
    north, east = station.get("lat"), station.get("lon")
    if not isinstance(north, int | float) or not isinstance(east, int | float):
        raise DecodeError("lat, lon", (north, east), "are no numbers")
    return Point(within("lon", float(east), Range(-180, 180)), within("lat", float(north), Range(-90, 90)))


def _count(station: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if name in station:
            value = station[name]
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
                raise DecodeError(name, value, f"is no whole number from 0 to {MOST}")
            return value
    return None


def _status(station: Mapping[str, Any], counts: Mapping[str, int | None]) -> str | None:
    """The model's one word for a port; None when the station says nothing about its state."""
    if not any(name in station for name in OBSERVED):
        return None
    if station.get("is_installed") is False or station.get("is_renting") is False:
        return "outOfService"
    if counts["available_bike_number"] == 0:
        return "empty"
    return "full" if counts["free_slot_number"] == 0 else "working"
