"""Station tables: CSV with the stable code, the name and the place of each station of a source."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from adapters.codecs.number import Range, number, within
from adapters.codecs.table import Row, rows_of
from adapters.contract import DecodeError
from models import Point

LATITUDE, LONGITUDE = Range(20, 46), Range(122, 154)  # Japan
EARTH = Range(-90, 90), Range(-180, 180)

COLUMNS = {
    "code": ("code", "station_code", "amdno", "No."),
    "name": ("name", "kjName", "施設名(日本語)", "観測所名", "測定局名称"),
    "latitude": ("latitude", "lat", "緯度"),
    "longitude": ("longitude", "lon", "経度"),
}


class Station(NamedTuple):
    """Where something is measured. `name` may be empty when nobody has confirmed one."""

    code: str
    name: str
    location: Point


def read_stations(path: Path) -> list[Station]:
    """The table at `path`. Raises ValueError naming the first bad row, OSError when there is no such file."""
    return [_station(row, path.name) for row in rows_of(path, COLUMNS, ("code", "latitude", "longitude"))]


def by_code(stations: Iterable[Station]) -> Mapping[str, Station]:
    return {station.code: station for station in stations}


def by_name(stations: Iterable[Station]) -> Mapping[str, Station]:
    """Under the name as it stands in the table, and as `plain_station` has it."""
    named = [station for station in stations if station.name]
    return {plain_station(each.name): each for each in named} | {each.name: each for each in named}


def plain_station(name: str) -> str:
    """`駅西　観測局` and `駅西(観測局)` stay two, but full-width digits, brackets and blanks make none."""
    return "".join(normalize("NFKC", name).split())


def position(latitude: str, longitude: str) -> Point | None:
    """Two cells as a point in Japan; None when empty or 0,0, which means no fix.

    Raises DecodeError when they lie elsewhere, swapped ones included.
    """
    if not latitude.strip("0. ") and not longitude.strip("0. "):
        return None
    north, east = number("latitude", latitude, LATITUDE), number("longitude", longitude, LONGITUDE)
    return None if north is None or east is None else Point(east, north)


def place(latitude: object, longitude: object) -> Point | None:
    """Two JSON numbers as a point anywhere on earth; None when missing or 0,0. Raises DecodeError."""
    if latitude is None or longitude is None:
        return None
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        raise DecodeError("latitude, longitude", (latitude, longitude), "are no numbers")
    if latitude == 0 and longitude == 0:
        return None
    return Point(within("longitude", float(longitude), EARTH[1]), within("latitude", float(latitude), EARTH[0]))


def _station(row: Row, table: str) -> Station:
    try:
        location = position(row.cells["latitude"], row.cells["longitude"])
    except DecodeError as error:
        raise ValueError(f"{table}: station {row.cells['code']}: {error}") from error
    if location is None:
        raise ValueError(f"{table}: station {row.cells['code']} has no place")
    return Station(row.cells["code"].strip(), row.cells.get("name", "").strip(), location)
