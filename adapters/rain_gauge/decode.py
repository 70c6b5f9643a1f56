"""Rain CSV to WeatherObserved (formats document b.1 and b.4).

Each row is one station at the end of its intervals. The station stands in the row with its code and place (AMeDAS) or
by its name only (municipal files), then the station table has the rest. The time stands in one column, in two, or in
the file's name as YYYYMMDDhhmm. All times are Japanese.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.codecs.jst import local, plausible
from adapters.codecs.number import MUNICIPAL, Range, number
from adapters.codecs.station import Station, position
from adapters.codecs.table import Row, rows
from adapters.contract import Decode, DecodeError, Message
from models import Model, WeatherObserved, urn

COLUMNS = {
    "code": ("amdno", "観測所コード", "局番号"),
    "name": ("観測所名", "観測所", "観測局名", "kjName"),
    "prefecture": ("pref", "都道府県"),
    "latitude": ("緯度", "lat"),
    "longitude": ("経度", "lon"),
    "time": ("観測日時", "日時"),
    "day": ("観測日", "年月日", "日付", "日"),
    "clock": ("観測時刻", "時刻", "時間"),
    "precipitation": ("10分雨量", "10分間雨量", "precipitation10m"),
    "precipitation_1h": ("60分雨量", "時間雨量", "1時間雨量", "precipitation1h"),
    "precipitation_24h": ("24時間雨量", "precipitation24h"),
    "precipitation_cumulative": ("累加雨量", "累計雨量", "連続雨量", "降り始めからの雨量"),
}

# mm; Japan's records are 50 in ten minutes and 187 in an hour
RANGES = {
    "precipitation": Range(0, 100),
    "precipitation_1h": Range(0, 300),
    "precipitation_24h": Range(0, 2000),
    "precipitation_cumulative": Range(0, 5000),
}

_IN_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)[T_-]?(\d\d)(\d\d)")


def decoder(source: str, stations: Mapping[str, Station], prefectures: frozenset[str]) -> Decode:
    """The decoder for one network of gauges."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        for row in rows(message.body, COLUMNS, ("name",)):
            if isinstance(row, DecodeError):
                yield row
                continue
            if prefectures and row.cells.get("prefecture", "").strip() not in prefectures:
                continue
            try:
                observed = _observed(source, stations, row, message)
            except DecodeError as error:
                yield error.of_row(row.raw)
                continue
            if observed is not None:
                yield observed

    return decode


def _observed(source: str, stations: Mapping[str, Station], row: Row, message: Message) -> WeatherObserved | None:
    station = _station(row.cells, stations)
    at = plausible("観測日時", _time(row.cells, message.topic), message.received_at)
    amounts: dict[str, Any] = {
        name: number(name, row.cells.get(name), allowed, MUNICIPAL) for name, allowed in RANGES.items()
    }
    if all(amount is None for amount in amounts.values()):
        return None  # a gauge that reports itself missing says nothing to store
    return WeatherObserved(
        id=urn("WeatherObserved", source, station.code),
        observed_at=at,
        name=station.name,
        location=station.location,
        station_code=station.code,
        **amounts,
    )


def _station(cells: Mapping[str, str], stations: Mapping[str, Station]) -> Station:
    """The row's own code and place, else the table's. Raises DecodeError for a station that is in neither."""
    name = cells["name"].strip()
    if code := cells.get("code", "").strip():
        place = position(cells.get("latitude", ""), cells.get("longitude", ""))
        if place is not None:
            return Station(code, name, place)
    if name not in stations:
        raise DecodeError("観測所名", name, "is not in the station table")
    return stations[name]


def _time(cells: Mapping[str, str], topic: str) -> datetime:
    if text := cells.get("time"):
        return local("観測日時", text)
    if "day" in cells and "clock" in cells:
        return local("観測日時", f"{cells['day'].strip()} {cells['clock'].strip()}")
    match = _IN_NAME.search(topic)
    if match is None:
        raise DecodeError("file name", topic, "holds no YYYYMMDDhhmm, and the table no time")
    year, month, day, hour, minute = match.groups()
    return local("file name", f"{year}-{month}-{day} {hour}:{minute}")
