# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models of places and events (CC-BY-4.0): PointOfInterest, WifiNetwork, TourismDestinations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from models.base import Model, Point, fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class PointOfInterest(Model):
    """A facility somebody may look for: what kind, where, when it is open, and what of the kind's own it has."""

    TYPE: ClassVar[str] = "PointOfInterest"

    name: str | None = fixed("name")
    name_kana: str | None = fixed("nameKana")
    name_en: str | None = fixed("nameEn")
    category: tuple[str, ...] | None = fixed("category")
    description: str | None = fixed("description")
    location: Point | None = fixed("location")
    address: Mapping[str, str] | None = fixed("address")
    contact_point: Mapping[str, str] | None = fixed("contactPoint")
    owner_name: str | None = fixed("operator")
    opening_hours: str | None = fixed("openingHoursText")
    page: str | None = fixed("page")
    capacity: float | None = fixed("capacity", "IE")
    floor_area: float | None = fixed("floorArea", "MTK")
    hazards: tuple[str, ...] | None = fixed("evacuationHazards")
    installation_place: str | None = fixed("installationPlace")
    child_pads: bool | None = fixed("childPads")
    wheelchair_accessible: bool | None = fixed("barrierFree")
    source: str | None = fixed("source")


@dataclass(frozen=True, slots=True, kw_only=True)
class TouristDestination(Model):
    """A place worth a visit."""

    TYPE: ClassVar[str] = "TouristDestination"

    name: str | None = fixed("name")
    name_kana: str | None = fixed("nameKana")
    name_en: str | None = fixed("nameEn")
    description: str | None = fixed("description")
    location: Point | None = fixed("location")
    address: Mapping[str, str] | None = fixed("address")
    contact_point: Mapping[str, str] | None = fixed("contactPoint")
    owner_name: str | None = fixed("operator")
    opening_hours: str | None = fixed("openingHoursText")
    price: str | None = fixed("priceText")
    access: str | None = fixed("accessPlan")
    page: str | None = fixed("page")
    source: str | None = fixed("source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Model):
    """Something that takes place from `start` to `end`."""

    TYPE: ClassVar[str] = "Event"

    name: str | None = fixed("name")
    name_kana: str | None = fixed("nameKana")
    name_en: str | None = fixed("nameEn")
    description: str | None = fixed("description")
    location: Point | None = fixed("location")
    address: Mapping[str, str] | None = fixed("address")
    place_name: str | None = fixed("placeName")
    start: datetime | None = fixed("startDate")
    end: datetime | None = fixed("endDate")
    hours: str | None = fixed("openingHoursText")
    event_status: tuple[str, ...] | None = fixed("eventStatus")
    free: bool | None = fixed("isAccessibleForFree")
    price: str | None = fixed("priceText")
    capacity: float | None = fixed("maximumAttendeeCapacity", "IE")
    access: str | None = fixed("accessPlan")
    owner_name: str | None = fixed("operator")
    contact_point: Mapping[str, str] | None = fixed("contactPoint")
    page: str | None = fixed("page")
    source: str | None = fixed("source")


@dataclass(frozen=True, slots=True, kw_only=True)
class WifiPointOfInterest(Model):
    """A place with public Wi-Fi."""

    TYPE: ClassVar[str] = "WifiPointOfInterest"

    name: str | None = fixed("name")
    name_kana: str | None = fixed("nameKana")
    name_en: str | None = fixed("nameEn")
    location: Point | None = fixed("location")
    address: Mapping[str, str] | None = fixed("address")
    contact_point: Mapping[str, str] | None = fixed("contactPoint")
    owner_name: str | None = fixed("operator")
    ssid: tuple[str, ...] | None = fixed("ssid")
    coverage: str | None = fixed("coverageArea")
    page: str | None = fixed("page")
    source: str | None = fixed("source")
