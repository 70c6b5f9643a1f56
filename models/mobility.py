# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.UrbanMobility (CC-BY-4.0): public transport in the words of GTFS."""

from dataclasses import dataclass
from typing import ClassVar

from models.base import Model, Point, fixed, measured, relates


@dataclass(frozen=True, slots=True, kw_only=True)
class GtfsAgency(Model):
    """Who runs the lines. `source` names the feed."""

    TYPE: ClassVar[str] = "GtfsAgency"

    agency_name: str | None = fixed("agencyName")
    name: str | None = fixed("name")
    source: str | None = fixed("source")
    page: str | None = fixed("page")
    phone: str | None = fixed("phone")
    timezone: str | None = fixed("timezone")
    language: str | None = fixed("language")


@dataclass(frozen=True, slots=True, kw_only=True)
class GtfsStop(Model):
    """A stop, one pole of it, or a station that holds some."""

    TYPE: ClassVar[str] = "GtfsStop"

    code: str | None = fixed("code")
    name: str | None = fixed("name")
    name_en: str | None = fixed("nameEn")
    name_kana: str | None = fixed("nameKana")
    location: Point | None = fixed("location")
    operated_by: tuple[str, ...] | None = relates("operatedBy")
    parent_station: str | None = relates("hasParentStation")
    zone_code: str | None = fixed("zoneCode")
    platform_code: str | None = fixed("platformCode")
    location_type: str | None = fixed("locationType")
    wheelchair_accessible: str | None = fixed("wheelChairAccessible")
    page: str | None = fixed("page")


@dataclass(frozen=True, slots=True, kw_only=True)
class GtfsRoute(Model):
    """A line. `route_type` is a digit of GTFS: 0 tram, 1 metro, 2 rail, 3 bus, 4 ferry, ..."""

    TYPE: ClassVar[str] = "GtfsRoute"

    operated_by: str | None = relates("operatedBy")
    short_name: str | None = fixed("shortName")
    name: str | None = fixed("name")
    description: str | None = fixed("description")
    route_type: str | None = fixed("routeType")
    route_color: str | None = fixed("routeColor")
    route_text_color: str | None = fixed("routeTextColor")
    sort_order: int | None = fixed("routeSortOrder")
    page: str | None = fixed("page")


@dataclass(frozen=True, slots=True, kw_only=True)
class GtfsTrip(Model):
    """One run of a line on the days of a service."""

    TYPE: ClassVar[str] = "GtfsTrip"

    has_route: str | None = relates("hasRoute")
    has_service: str | None = relates("hasService")
    head_sign: str | None = fixed("headSign")
    short_name: str | None = fixed("shortName")
    direction: int | None = fixed("direction")
    block: str | None = fixed("block")
    has_shape: str | None = relates("hasShape")
    wheelchair_accessible: int | None = fixed("wheelChairAccessible")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalEstimation(Model):
    """When the vehicle of a trip is expected at a stop. `delay` in seconds, early is negative.

    `schedule_relationship` is GTFS Realtime's: of a stop that is SKIPPED, of a trip that is CANCELED and where there is
    NO_DATA, nothing is expected.
    """

    TYPE: ClassVar[str] = "ArrivalEstimation"
    INSTANTS: ClassVar[tuple[str, ...]] = ("observationDateTime",)

    has_stop: tuple[str, ...] | None = relates("hasStop")
    has_trip: str | None = relates("hasTrip")
    has_route: str | None = relates("hasRoute")
    head_sign: str | None = fixed("headSign")
    remaining_time: str | None = measured("remainingTime")
    expected_at: str | None = measured("expectedArrivalTime")
    delay: int | None = measured("delay", "SEC")
    stop_sequence: int | None = measured("currentStopSequence")
    schedule_relationship: str | None = measured("scheduleRelationship")
