"""Rows that say what one station observed at one time: which columns say where and when."""

import re
from collections.abc import Mapping
from datetime import datetime
from unicodedata import normalize

from adapters.codecs.instants import moment
from adapters.codecs.jst import local, with_year
from adapters.codecs.station import Station, plain_station, position
from adapters.contract import DecodeError, Message

WHERE_AND_WHEN: dict[str, tuple[str, ...]] = {
    "code": ("amdno", "観測所コード", "観測所番号", "観測局番号", "局番号", "station_code", "station_id", "code"),
    "name": ("観測所名", "観測所", "観測局名", "観測局", "局名", "地点名", "kjName", "station_name", "station", "name"),
    "prefecture": ("pref", "都道府県", "都道府県名"),
    "latitude": ("緯度", "lat", "latitude"),
    "longitude": ("経度", "lon", "lng", "longitude"),
    "time": ("観測日時", "日時", "観測時間", "測定日時", "年月日時分", "obsTime", "observed_at", "datetime", "time"),
    "day": ("観測日", "年月日", "月日", "日付", "日", "date"),
    "clock": ("観測時刻", "時刻", "時分", "時間"),
    "year": ("年", "観測年", "year"),
    "month": ("月", "観測月", "month"),
    "hour": ("時", "観測時", "hour"),
    "minute": ("分", "観測分", "minute"),
}
_IN_NAME = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)[T_-]?(\d\d)(\d\d)")


def station_of(cells: Mapping[str, str], by_code: Mapping[str, Station], by_name: Mapping[str, Station]) -> Station:
    """The row's own code and place, else the station table's. Raises DecodeError for a station that is in neither."""
    name, code = cells.get("name", "").strip(), normalize("NFKC", cells.get("code", "")).strip()
    if code:
        place = position(cells.get("latitude", ""), cells.get("longitude", ""))
        if place is not None:
            return Station(code, name, place)
        if (known := by_code.get(code)) is not None:
            return known
    if (known := by_name.get(name) or by_name.get(plain_station(name))) is None:
        raise DecodeError("観測所名", name or code, "is not in the station table")
    return known


def time_of(cells: Mapping[str, str], message: Message) -> datetime:
    """When: in one column or in several, or in the file's name as YYYYMMDDhhmm; Japanese time. Raises DecodeError.

    A day without its year is the last one of that name before the message came.
    """
    if text := cells.get("time", "").strip():
        return moment("観測日時", with_year(text, message.received_at))
    if (day := _day(cells)) and (clock := _clock(cells)):
        return local("観測日時", f"{with_year(day, message.received_at)} {clock}")
    if "time" in cells or "day" in cells or "hour" in cells:
        raise DecodeError("観測日時", "", "is missing")
    match = _IN_NAME.search(message.topic)
    if match is None:
        raise DecodeError("file name", message.topic, "holds no YYYYMMDDhhmm, and the table no time")
    year, month, day, hour, minute = match.groups()
    return local("file name", f"{year}-{month}-{day} {hour}:{minute}")


def _day(cells: Mapping[str, str]) -> str:
    year, month, day = (_part(cells, name) for name in ("year", "month", "day"))
    return "/".join(filter(None, (year, month, day))) if month else cells.get("day", "").strip()


def _clock(cells: Mapping[str, str]) -> str:
    hour = _part(cells, "hour")
    return f"{hour}:{_part(cells, 'minute').zfill(2)}" if hour else cells.get("clock", "").strip()


def _part(cells: Mapping[str, str], name: str) -> str:
    return normalize("NFKC", cells.get(name, "")).strip().rstrip("年月日時分")
