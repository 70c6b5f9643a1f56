# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Environment (CC-BY-4.0)."""

from dataclasses import dataclass
from typing import ClassVar

from models.base import Model, Point, fixed, measured, qualifier


@dataclass(frozen=True, slots=True, kw_only=True)
class AirQualityObserved(Model):
    """What an air monitoring station or an indoor sensor observed over the hour (or moment) ending at `observed_at`.

    Gases stay in ppm as the national network reports them: turning them into µg/m³ needs a reference temperature
    nobody states. Ox is not ozone and SPM is not PM10, so they have names of their own.
    """

    TYPE: ClassVar[str] = "AirQualityObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    station_code: str | None = fixed("stationCode")
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
    pm25: float | None = measured("pm25", "GQ")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    wind_speed: float | None = measured("windSpeed", "MTS")
    wind_direction: float | None = measured("windDirection", "DD")  # -180 to 180 in this model
    data_status: str | None = qualifier("dataStatus")
    aggregation_period: str | None = qualifier("aggregationPeriod")
