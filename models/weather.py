# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Weather (CC-BY-4.0)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from models.base import Model, Point, fixed, measured, relates


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherObserved(Model):
    """What a weather station or rain gauge observed at `observed_at`, the end of each interval named.

    Rain in mm: `precipitation` fell within ten minutes, `precipitation_1h`, `_3h` and `_24h` within the moving hours,
    `precipitation_clock_hour` within the hour of the clock, `precipitation_cumulative` since the rain began (it falls
    back when the gauge resets). A `..._derived` amount is the difference of two cumulative ones, written under the name
    of what it stands for.
    """

    TYPE: ClassVar[str] = "WeatherObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    station_code: str | None = fixed("stationCode")
    ref_device: str | None = relates("refDevice")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    atmospheric_pressure: float | None = measured("atmosphericPressure", "A97")
    wind_speed: float | None = measured("windSpeed", "MTS")
    wind_direction: float | None = measured("windDirection", "DD")  # 0 to 360 in this model
    visibility: float | None = measured("visibility", "MTR")
    illuminance: float | None = measured("illuminance", "LUX")
    sunshine: float | None = measured("sunshineDuration", "MIN", aggregationPeriod="PT10M")
    sunshine_1h: float | None = measured("sunshineDuration1h", "HUR")
    snow_height: float | None = measured("snowHeight", "CMT")
    precipitation: float | None = measured("precipitation", "MMT", aggregationPeriod="PT10M")
    precipitation_derived: float | None = measured(
        "precipitation", "MMT", aggregationPeriod="PT10M", derivedFrom="precipitationCumulative"
    )
    precipitation_clock_hour: float | None = measured("precipitation1h", "MMT", window="clockHour")
    precipitation_1h_derived: float | None = measured("precipitation1h", "MMT", derivedFrom="precipitationCumulative")
    precipitation_1h: float | None = measured("precipitation1h", "MMT")
    precipitation_3h: float | None = measured("precipitation3h", "MMT")
    precipitation_24h: float | None = measured("precipitation24h", "MMT")
    precipitation_today: float | None = measured("precipitationToday", "MMT")
    precipitation_cumulative: float | None = measured("precipitationCumulative", "MMT")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherAlert(Model):
    """A warning of the weather service for an area; `alert_status` is issued, continued or lifted."""

    TYPE: ClassVar[str] = "WeatherAlert"
    INSTANTS: ClassVar[tuple[str, ...]] = ("dateIssued",)

    name: str | None = fixed("name")
    category: str | None = fixed("category")
    sub_category: str | None = fixed("subCategory")
    severity: str | None = fixed("severity")
    alert_source: str | None = fixed("alertSource")
    area_served: str | None = fixed("areaServed")
    alert_status: str | None = measured("alertStatus")
    valid_to: datetime | None = measured("validTo")
