# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Transportation (CC-BY-4.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from models.base import Model, Point, fixed, measured, relates


@dataclass(frozen=True, slots=True, kw_only=True)
class BikeHireDockingStation(Model):
    """A port of the bike share. Counts are observed, the rest says what the port is."""

    TYPE: ClassVar[str] = "BikeHireDockingStation"
    INSTANTS: ClassVar[tuple[str, ...]] = ("observationDateTime",)

    location: Point | None = fixed("location")
    station_name: str | None = fixed("stationName")
    station_code: str | None = fixed("stationCode")
    provider: str | None = fixed("provider")
    address: Mapping[str, str] | None = fixed("address")
    total_slot_number: int | None = fixed("totalSlotNumber", "H87")
    available_bike_number: int | None = measured("availableBikeNumber", "H87")
    free_slot_number: int | None = measured("freeSlotNumber", "H87")
    out_of_service_slot_number: int | None = measured("outOfServiceSlotNumber", "H87")
    status: str | None = measured("status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle(Model):
    """A bike under a rotating pseudonym, a plough or a bus under its own name. Speed in km/h, heading 0 to 360 degrees.

    `battery` runs from 0 to 1, `occupancy` is the word GTFS Realtime has for it.
    """

    TYPE: ClassVar[str] = "Vehicle"
    INSTANTS: ClassVar[tuple[str, ...]] = ("observationDateTime",)

    name: str | None = fixed("name")
    vehicle_type: str | None = fixed("vehicleType")
    category: tuple[str, ...] | None = fixed("category")
    fleet_vehicle_id: str | None = fixed("fleetVehicleId")
    location: Point | None = measured("location")
    position_source: str | None = measured("positionSource")
    altitude: float | None = measured("altitude", "MTR")
    speed: float | None = measured("speed", "KMH")
    heading: float | None = measured("heading", "DD")
    battery: float | None = measured("battery", "C62")
    battery_voltage: float | None = measured("batteryVoltage", "VLT")
    current_range: float | None = measured("currentRange", "MTR")
    service_status: str | None = measured("serviceStatus")
    ref_device: str | None = relates("refDevice")
    ref_station: str | None = relates("refBikeHireDockingStation")
    has_trip: str | None = relates("hasTrip")
    has_route: str | None = relates("hasRoute")
    at_stop: str | None = relates("atStop")
    stop_status: str | None = measured("stopStatus")
    stop_sequence: int | None = measured("currentStopSequence")
    occupancy_status: str | None = measured("occupancyStatus")
    congestion_level: str | None = measured("congestionLevel")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdFlowObserved(Model):
    """How many devices or people one spot saw in the time bin ending at `observed_at`. Never an individual.

    `suppressed` says that the count is withheld: it is below `minimum_count`.
    """

    TYPE: ClassVar[str] = "CrowdFlowObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    date_observed_from: datetime | None = measured("dateObservedFrom")
    date_observed_to: datetime | None = measured("dateObservedTo")
    people_count: int | None = measured("peopleCount", "IE")
    suppressed: bool | None = measured("suppressed")
    minimum_count: int | None = measured("minimumCount", "IE")
    mesh_code: str | None = fixed("meshCode")
