# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Weather (CC-BY-4.0)."""

from dataclasses import dataclass
from typing import ClassVar

from models.base import Model, Point, fixed, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherObserved(Model):
    """What a weather station or rain gauge observed at `observed_at`, the end of each interval named.

    Rain in mm: `precipitation` fell within ten minutes, `precipitation_1h` and `precipitation_24h` within the moving
    hour and day, `precipitation_cumulative` since the rain began (it falls back when the gauge resets).
    """

    TYPE: ClassVar[str] = "WeatherObserved"

    name: str | None = fixed("name")
    location: Point | None = fixed("location")
    source: str | None = fixed("source")
    station_code: str | None = fixed("stationCode")
    temperature: float | None = measured("temperature", "CEL")
    relative_humidity: float | None = measured("relativeHumidity", "C62")
    atmospheric_pressure: float | None = measured("atmosphericPressure", "A97")
    wind_speed: float | None = measured("windSpeed", "MTS")
    wind_direction: float | None = measured("windDirection", "DD")  # 0 to 360 in this model
    snow_height: float | None = measured("snowHeight", "CMT")
    precipitation: float | None = measured("precipitation", "MMT", aggregationPeriod="PT10M")
    precipitation_1h: float | None = measured("precipitation1h", "MMT")
    precipitation_24h: float | None = measured("precipitation24h", "MMT")
    precipitation_cumulative: float | None = measured("precipitationCumulative", "MMT")
