"""NIES 環境展望台, daily means per station as prepared by public tools (formats document c.2).

The station stands in the file's name. Units are the institute's integer scales: SO2, NO, NO2, NOX in ppb, CO in
0.1 ppm, NMHC, CH4, THC in 10 ppbC, SPM in µg/m³. A value of 9000 and more is a code for a missing one. A day's mean is
observed at its end, 24:00 Japanese time; it has an entity of its own, apart from the station's hours.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range, number
from adapters.codecs.station import Station
from adapters.codecs.table import Row, rows
from adapters.contract import DecodeError, Message
from models import AirQualityObserved, Model, urn

# column: field of the model, what the model's unit is counted in
ITEMS = {
    "SO2_mean": ("so2", 1000),
    "NO_mean": ("no", 1000),
    "NO2_mean": ("no2", 1000),
    "NOX_mean": ("nox", 1000),
    "CO_mean": ("co", 10),
    "NMHC_mean": ("nmhc", 100),
    "CH4_mean": ("ch4", 100),
    "THC_mean": ("thc", 100),
    "SPM_mean": ("spm", 1000),
    "PM25_mean": ("pm25", 1),
    "TEMP_mean": ("temperature", 1),
    "HUM_mean": ("relative_humidity", 100),
}
COLUMNS = {"date": ("date",)} | {item: (item,) for item in ITEMS}
POSSIBLE, CODES = Range(-100, 99_999), 9000
_STATION = re.compile(r"(?<!\d)(\d{8})(?!\d)")


def daily(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """One entity per day. Raises DecodeError when the name holds no station of the table."""
    match = _STATION.search(message.topic)
    if match is None or match[1] not in stations:
        raise DecodeError("file name", message.topic, "holds no station code of the station table")
    for row in rows(message.body, COLUMNS, ("date",)):
        if isinstance(row, DecodeError):
            yield row
            continue
        try:
            yield _observed(row, stations[match[1]], message)
        except DecodeError as error:
            yield error.of_row(row.raw)


def _observed(row: Row, station: Station, message: Message) -> AirQualityObserved:
    end = local("date", row.cells["date"]) + timedelta(days=1)
    values: dict[str, Any] = {
        field: _scaled(item, row.cells.get(item), scale) for item, (field, scale) in ITEMS.items()
    }
    return AirQualityObserved(
        id=urn("AirQualityObserved", "nies-daily", station.code),
        observed_at=plausible("date", end, message.received_at),
        name=station.name or None,
        location=station.location,
        station_code=station.code,
        data_status="confirmed",
        aggregation_period="P1D",
        **values,
    )


def _scaled(item: str, text: str | None, scale: int) -> float | None:
    value = number(item, text, POSSIBLE)
    return None if value is None or value >= CODES else round(value / scale, 8)
