"""The table of stations: amedastable.json, whose places are degrees and minutes, or a CSV."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.codecs.documents import parsed_object
from adapters.codecs.station import Station, by_code, position, read_stations
from adapters.contract import DecodeError


def read_table(path: Path) -> Mapping[str, Station]:
    """Number to station. Raises ValueError naming the first bad entry, DecodeError for no JSON, OSError for no file."""
    if path.suffix != ".json":
        return by_code(read_stations(path))
    return {code: _station(code, each, path.name) for code, each in parsed_object(path.read_bytes(), path.name).items()}


def _station(code: str, each: Mapping[str, Any], table: str) -> Station:
    try:
        place = position(str(_degrees(each["lat"])), str(_degrees(each["lon"])))
        if place is None:
            raise ValueError("has no place")
        return Station(code, str(each.get("kjName", "")), place)
    except (DecodeError, ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{table}: station {code}: {error}") from error


def _degrees(pair: Any) -> float:
    degrees, minutes = pair
    return round(float(degrees) + float(minutes) / 60, 6)
