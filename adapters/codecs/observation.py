"""Rows that say what one station observed at one time: which columns say where and when."""

import re
from collections.abc import Mapping
from datetime import datetime

from adapters.codecs.instants import moment
from adapters.codecs.jst import local
from adapters.codecs.station import Station, position
from adapters.contract import DecodeError

WHERE_AND_WHEN: dict[str, tuple[str, ...]] = {
    "code": ("amdno", "観測所コード", "観測所番号", "観測局番号", "局番号", "station_code", "station_id", "code"),
    "name": ("観測所名", "観測所", "観測局名", "観測局", "局名", "地点名", "kjName", "station_name", "station", "name"),
    "prefecture": ("pref", "都道府県", "都道府県名"),
    "latitude": ("緯度", "lat", "latitude"),
    "longitude": ("経度", "lon", "lng", "longitude"),
    "time": ("観測日時", "日時", "観測時間", "測定日時", "年月日時分", "obsTime", "observed_at", "datetime", "time"),
    "day": ("観測日", "年月日", "月日", "日付", "日", "date"),
    "clock": ("観測時刻", "時刻", "時分", "時間"),
}
_IN_NAME = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)[T_-]?(\d\d)(\d\d)")


def station_of(cells: Mapping[str, str], by_code: Mapping[str, Station], by_name: Mapping[str, Station]) -> Station:
    """The row's own code and place, else the station table's. Raises DecodeError for a station that is in neither."""
    name, code = cells.get("name", "").strip(), cells.get("code", "").strip()
    if code:
        place = position(cells.get("latitude", ""), cells.get("longitude", ""))
        if place is not None:
            return Station(code, name, place)
        if code in by_code:
            return by_code[code]
    if name not in by_name:
        raise DecodeError("観測所名", name or code, "is not in the station table")
    return by_name[name]


def time_of(cells: Mapping[str, str], topic: str) -> datetime:
    """When: in one column, in two, or in the file's name as YYYYMMDDhhmm; Japanese time. Raises DecodeError."""
    if text := cells.get("time", "").strip():
        return moment("観測日時", text)
    if cells.get("day") and cells.get("clock"):
        return local("観測日時", f"{cells['day'].strip()} {cells['clock'].strip()}")
    if "time" in cells or ("day" in cells and "clock" in cells):
        raise DecodeError("観測日時", "", "is missing")
    match = _IN_NAME.search(topic)
    if match is None:
        raise DecodeError("file name", topic, "holds no YYYYMMDDhhmm, and the table no time")
    year, month, day, hour, minute = match.groups()
    return local("file name", f"{year}-{month}-{day} {hour}:{minute}")
