# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Counts of what moves: nothing here can be led back to a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from models.base import Model, Point, fixed, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginDestinationFlow(Model):
    """How many were in one cell in a bin and in another in the next, at whose end it is observed."""

    TYPE: ClassVar[str] = "OriginDestinationFlow"

    origin_location_code: str | None = fixed("originLocationCode")
    destination_location_code: str | None = fixed("destinationLocationCode")
    origin_location: Point | None = fixed("originLocation")
    destination_location: Point | None = fixed("destinationLocation")
    flow_type: str | None = fixed("flowType")
    date_observed_from: datetime | None = measured("dateObservedFrom")
    date_observed_to: datetime | None = measured("dateObservedTo")
    flow_count: int | None = measured("flowCount", "C62")
    minimum_count: int | None = measured("minimumCount", "C62")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFlowObserved(Model):
    """How many vehicles of one kind were in a cell in the bin that ends at `observed_at`."""

    TYPE: ClassVar[str] = "TrafficFlowObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    vehicle_type: str | None = fixed("vehicleType")
    mesh_code: str | None = fixed("meshCode")
    date_observed_from: datetime | None = measured("dateObservedFrom")
    date_observed_to: datetime | None = measured("dateObservedTo")
    intensity: int | None = measured("intensity", "H87")
    suppressed: bool | None = measured("suppressed")
    minimum_count: int | None = measured("minimumCount", "H87")
