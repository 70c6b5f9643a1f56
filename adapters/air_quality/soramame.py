"""そらまめくん: hours of stations, provisional values (formats document c.1).

One table with the station and its hour in each row, or either of them in the file's name: noudoAll (all stations of
one hour, named YYYYMMDDHH), NoudoTime (today.csv, 7day.csv of the station named), the map's files (with places) and the
list of data_search (JSON). HH runs from 01 to 24 and names the hour that ends then, Japanese time. Gases in ppm,
hydrocarbons in ppmC, dust in mg/m³, PM2.5 in µg/m³ (may be negative); blank: not measured, `-`: invalid.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from adapters.air_quality.compass import signed_direction
from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.jst import instant, local, plausible
from adapters.codecs.number import Range
from adapters.codecs.station import Station, position
from adapters.codecs.table import Row, read_rows, rows
from adapters.contract import DecodeError, Message
from models import AirQualityObserved, Alert, Model, urn

SOURCE = "soramame"

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("測定局コード", "国環研局番", "SKT_CD"),
    "name": ("測定局名称", "測定局名"),
    "prefecture": ("都道府県コード",),
    "latitude": ("緯度",),
    "longitude": ("経度",),
    "year": ("年",),
    "month": ("月",),
    "day": ("日",),
    "date": ("SKT_DATE", "日付", "測定日"),
    "hour": ("時", "時刻", "SKT_TIME"),
    "wind_direction": ("WD", "風向"),
}

# field of the model: its columns, and what an instrument can report
ITEMS: dict[str, tuple[tuple[str, ...], Quantity]] = {
    "so2": (("SO2",), Quantity(Range(0, 10))),
    "no": (("NO",), Quantity(Range(0, 10))),
    "no2": (("NO2",), Quantity(Range(0, 10))),
    "nox": (("NOX", "NOx"), Quantity(Range(0, 20))),
    "co": (("CO",), Quantity(Range(0, 200))),
    "photochemical_oxidant": (("OX", "Ox"), Quantity(Range(0, 2))),
    "nmhc": (("NMHC",), Quantity(Range(0, 100))),
    "ch4": (("CH4",), Quantity(Range(0, 100))),
    "thc": (("THC",), Quantity(Range(0, 100))),
    "spm": (("SPM",), Quantity(Range(0, 10))),
    "sp": (("SP",), Quantity(Range(0, 10))),
    "pm25": (("PM2.5", "PM25", "PM2_5"), Quantity(Range(-50, 2000))),
    "wind_speed": (("WS",), Quantity(Range(0, 100))),
    "temperature": (("TEMP",), Quantity(Range(-50, 60))),
    "relative_humidity": (("HUM",), Quantity(Range(0, 100), 100)),
}
QUANTITIES = {field: quantity for field, (_, quantity) in ITEMS.items()}
MISSING = frozenset({"", "-", "9999"})
_ALL = COLUMNS | {field: columns for field, (columns, _) in ITEMS.items()}
_HOUR = re.compile(r"(?<!\d)(\d{4})[-_/]?(\d\d)[-_/]?(\d\d)[-_/T]?(\d\d)(?!\d)")
_STATION = re.compile(r"(?<!\d)(\d{8})(?!\d)")

ALERT_COLUMNS = {
    "prefecture": ("都道府県コード",),
    "name": ("都道府県名",),
    "area": ("地域コード",),
    "from": ("注意喚起実施日時",),
    "to": ("注意喚起解除日時",),
}


def hourly(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """The rows of our prefecture. Raises DecodeError when neither row nor file name says which station or hour."""
    named, hour = _STATION.search(message.topic), _HOUR.search(message.topic)
    code = named[1] if named else ""
    found = rows(message.body, _ALL, ((*ITEMS, "wind_direction"),))
    first = next(found, None)
    if hour is None and isinstance(first, Row) and "hour" not in first.cells:
        raise DecodeError("file name", message.topic, "holds no hour as YYYYMMDDHH, and the table none either")

    def read(row: Row) -> Iterator[Model | DecodeError]:
        station = _station(row.cells, code, stations, prefecture)
        if station is None:
            return
        at = plausible("hour", _hour(row.cells, message.topic), message.received_at)
        cells = Cells()
        values = cells.quantities(row.cells, QUANTITIES, MISSING)
        direction = cells.attempt(lambda: signed_direction("wind_direction", row.cells.get("wind_direction", "")))
        if values or direction is not None:  # a station that measured nothing this hour says nothing to store
            yield observed(station, at, "provisional", wind_direction=direction, **values)
        yield from cells.errors

    return read_rows(chain(() if first is None else (first,), found), read)


def observed(station: Station, at: datetime, status: str, **values: Any) -> AirQualityObserved:
    """An hour of a station. Provisional and confirmed values are one entity, so the latter take the former's place."""
    return AirQualityObserved(
        id=urn("AirQualityObserved", SOURCE, station.code),
        observed_at=at,
        name=station.name or None,
        location=station.location,
        station_code=station.code,
        data_status=status,
        aggregation_period="PT1H",
        **values,
    )


def alerts(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """PM2.5 warnings of our prefecture; an empty list is good news."""

    def read(row: Row) -> Iterator[Model | DecodeError]:
        cells = row.cells
        if cells["prefecture"].strip().zfill(2) != prefecture:
            return
        since = plausible("注意喚起実施日時", local("注意喚起実施日時", cells["from"]), message.received_at)
        until = cells.get("to", "").strip()
        yield Alert(
            id=urn("Alert", "soramame-pm25", f"{prefecture}-{cells.get('area', '').strip()}-{since:%Y%m%dT%H%M}"),
            observed_at=since,
            category="environment",
            sub_category="airPollution",
            alert_source="https://soramame.env.go.jp/",
            area_served=cells.get("name") or None,
            valid_from=since,
            valid_to=local("注意喚起解除日時", until) if until else None,
        )

    return read_rows(rows(message.body, ALERT_COLUMNS, ("prefecture", "from")), read)


def _station(cells: Mapping[str, str], named: str, stations: Mapping[str, Station], ours: str) -> Station | None:
    """The row's station, None for one of another prefecture. Raises DecodeError for one of ours nobody knows."""
    code = cells.get("code", "").strip() or named
    # The first two digits of a station's code are its prefecture.
    if (cells.get("prefecture", "").strip().zfill(2) if cells.get("prefecture") else code[:2]) != ours and code:
        return None
    name = cells.get("name", "").strip()
    if code in stations:
        return stations[code]._replace(name=name) if name else stations[code]
    place = position(cells.get("latitude", ""), cells.get("longitude", ""))
    if place is None or not code:
        raise DecodeError("測定局コード", code, "is not in the station table")
    return Station(code, name, place)


def _hour(cells: Mapping[str, str], topic: str) -> datetime:
    """The end of the row's hour; where the row has none, of the hour in the file's name."""
    hour = cells.get("hour", "").strip().removesuffix("時")
    if hour and (date := cells.get("date")):
        return local("hour", f"{date.strip()} {hour}:00" if hour.isdigit() else f"{date.strip()} {hour}")
    if hour and cells.get("year"):
        parts = [cells.get(each, "").strip() for each in ("year", "month", "day")]
        return local("hour", f"{'-'.join(parts)} {hour}:00")
    match = _HOUR.search(topic)
    if match is None:
        raise DecodeError("hour", hour, "is missing")
    year, month, day, last = (int(part) for part in match.groups())
    return instant("file name", (year, month, day), last)
