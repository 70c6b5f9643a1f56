# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Environment (CC-BY-4.0)."""

from dataclasses import dataclass
from typing import ClassVar

from models.base import Model, Point, fixed, measured, qualifier, relates


@dataclass(frozen=True, slots=True, kw_only=True)
class AirQualityObserved(Model):
    """What an air monitoring station or an indoor sensor observed over the hour (or moment) ending at `observed_at`.

    Gases stay in ppm as the national network reports them: turning them into µg/m³ needs a reference temperature
    nobody states. Ox is not ozone and SPM is not PM10, so they have names of their own; SP is all suspended dust.
    """

    TYPE: ClassVar[str] = "AirQualityObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    station_code: str | None = fixed("stationCode")
    ref_device: str | None = relates("refDevice")
    so2: float | None = measured("so2", "59")
    no: float | None = measured("no", "59")
    no2: float | None = measured("no2", "59")
    nox: float | None = measured("nox", "59")
    co: float | None = measured("co", "59")
    co2: float | None = measured("co2", "59")
    photochemical_oxidant: float | None = measured("photochemicalOxidant", "59")
    nmhc: float | None = measured("nmhc", "59")
    ch4: float | None = measured("ch4", "59")
    thc: float | None = measured("thc", "59")
    spm: float | None = measured("spm", "GP")
    sp: float | None = measured("sp", "GP")
    pm25: float | None = measured("pm25", "GQ")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    wind_speed: float | None = measured("windSpeed", "MTS")
    wind_direction: float | None = measured("windDirection", "DD")  # -180 to 180 in this model
    data_status: str | None = qualifier("dataStatus")
    aggregation_period: str | None = qualifier("aggregationPeriod")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndoorEnvironmentObserved(Model):
    """What a sensor in a room observed."""

    TYPE: ClassVar[str] = "IndoorEnvironmentObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    ref_device: str | None = relates("refDevice")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    atmospheric_pressure: float | None = measured("atmosphericPressure", "A97")
    illuminance: float | None = measured("illuminance", "LUX")
    co2: float | None = measured("co2", "59")
    people_count: int | None = measured("peopleCount", "IE")


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodMonitoring(Model):
    """The water level of a river, a canal or a sewer in m above the gauge's own datum, so it may be below zero.

    The thresholds are the station's: standby of the flood fighters, caution (`alert_level`), judgement of evacuation,
    danger of flooding (`danger_level`), and the level the banks are planned for.
    """

    TYPE: ClassVar[str] = "FloodMonitoring"
    INSTANTS: ClassVar[tuple[str, ...]] = ("observationDateTime",)

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    station_id: str | None = fixed("stationID")
    ref_device: str | None = relates("refDevice")
    river_name: str | None = fixed("riverName")
    current_level: float | None = measured("currentLevel", "MTR")
    level_change: float | None = measured("levelChange", "MTR", aggregationPeriod="PT10M")
    flow: float | None = measured("flow", "MQS")  # what passes the gauge, or leaves the dam
    inflow: float | None = measured("inflow", "MQS")
    storage_share: float | None = measured("storageShare", "C62")
    standby_level: float | None = fixed("standbyLevel", "MTR")
    alert_level: float | None = fixed("alertLevel", "MTR")
    evacuation_level: float | None = fixed("evacuationJudgementLevel", "MTR")
    danger_level: float | None = fixed("dangerLevel", "MTR")
    planned_high_level: float | None = fixed("plannedHighWaterLevel", "MTR")
    status: str | None = measured("floodLevelStatus")
    pump_state: str | None = measured("pumpState")
