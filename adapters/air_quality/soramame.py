"""そらまめくん noudoAll: one hour of all stations, provisional values (formats document c.1).

The hour stands in the file's name only, as YYYYMMDDHH with HH from 01 to 24: the hour that ends then, Japanese time.
Gases in ppm, hydrocarbons in ppmC, SPM in mg/m³, PM2.5 in µg/m³ (may be negative), blank: not measured, `-`: invalid.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.air_quality.compass import signed_direction
from adapters.codecs.jst import instant, plausible
from adapters.codecs.number import Range, number
from adapters.codecs.station import Station
from adapters.codecs.table import Row, rows
from adapters.contract import DecodeError, Message
from models import AirQualityObserved, Model, urn

COLUMNS = {
    "code": ("測定局コード",),
    "name": ("測定局名称",),
    "prefecture": ("都道府県コード",),
    "WD": ("WD",),
    "HUM": ("HUM",),
}

# column: field of the model, possible values
ITEMS = {
    "SO2": ("so2", Range(0, 10)),
    "NO": ("no", Range(0, 10)),
    "NO2": ("no2", Range(0, 10)),
    "NOX": ("nox", Range(0, 20)),
    "CO": ("co", Range(0, 200)),
    "OX": ("photochemical_oxidant", Range(0, 2)),
    "NMHC": ("nmhc", Range(0, 100)),
    "CH4": ("ch4", Range(0, 100)),
    "THC": ("thc", Range(0, 100)),
    "SPM": ("spm", Range(0, 10)),
    "PM2.5": ("pm25", Range(-50, 2000)),
    "WS": ("wind_speed", Range(0, 100)),
    "TEMP": ("temperature", Range(-50, 60)),
}
MISSING = frozenset({"", "-", "9999"})
_ALL = COLUMNS | {item: (item,) for item in ITEMS}
_HOUR = re.compile(r"(\d{4})[-_/]?(\d\d)[-_/]?(\d\d)[-_/T]?(\d\d)(?!\d)")


def hourly(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """The rows of our prefecture. Raises DecodeError when the name holds no hour."""
    at = plausible("file name", _hour(message.topic), message.received_at)
    for row in rows(message.body, _ALL, ("code", "prefecture")):
        if isinstance(row, DecodeError):
            yield row
            continue
        if row.cells["prefecture"].strip().zfill(2) != prefecture:
            continue
        try:
            observed = _observed(row, stations, at)
        except DecodeError as error:
            yield error.of_row(row.raw)
            continue
        if observed is not None:
            yield observed


def _observed(row: Row, stations: Mapping[str, Station], at: datetime) -> AirQualityObserved | None:
    cells, code = row.cells, row.cells["code"].strip()
    if code not in stations:
        raise DecodeError("測定局コード", code, "is not in the station table")
    values: dict[str, Any] = {
        field: number(item, cells.get(item), allowed, MISSING) for item, (field, allowed) in ITEMS.items()
    }
    humidity = number("HUM", cells.get("HUM"), Range(0, 100), MISSING)
    if humidity is None and all(value is None for value in values.values()):
        return None  # a station that measured nothing this hour says nothing to store
    return AirQualityObserved(
        id=urn("AirQualityObserved", "soramame", code),
        observed_at=at,
        name=cells.get("name") or stations[code].name or None,
        location=stations[code].location,
        station_code=code,
        relative_humidity=None if humidity is None else humidity / 100,
        wind_direction=signed_direction("WD", cells.get("WD", "")),
        data_status="provisional",
        aggregation_period="PT1H",
        **values,
    )


def _hour(topic: str) -> datetime:
    match = _HOUR.search(topic)
    if match is None:
        raise DecodeError("file name", topic, "holds no hour as YYYYMMDDHH")
    year, month, day, hour = (int(part) for part in match.groups())
    return instant("file name", (year, month, day), hour)
