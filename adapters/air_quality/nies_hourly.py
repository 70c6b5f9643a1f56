"""NIES 環境展望台, confirmed hours: a year of stations in one file (formats document c.2).

A row is one item of one station on one day, with 24 cells labelled by the end of their hour. Values are integers; the
unit column says of what (`0.1PPM`, `PPB`, `10PPBC`, `UG/M3`) and is read, never assumed. 9000 and more are codes for
missing values, as are all cells of the 31st of a short month. The year is a fiscal one: January to March belong to the
next.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from adapters.air_quality.compass import signed_direction
from adapters.air_quality.soramame import QUANTITIES, observed
from adapters.codecs.jst import instant, plausible
from adapters.codecs.number import Range, number, within
from adapters.codecs.station import Station
from adapters.codecs.table import Row, rows
from adapters.contract import DecodeError, Message
from models import Model

HOURS = tuple(f"{hour:02}h" for hour in range(1, 25))
COLUMNS = {
    "year": ("測定年度",),
    "station": ("測定局コード",),
    "item": ("測定項目コード",),
    "unit": ("測定単位コード",),
    "month": ("測定月",),
    "day": ("測定日",),
} | {
    hour: (
        hour,
        hour.lstrip("0"),
        hour.removesuffix("h"),
        f"{hour.removesuffix('h')}時",
        f"{hour.lstrip('0').removesuffix('h')}時",
    )
    for hour in HOURS
}
CODES = 9000
_ANY = Range(-99_999, 99_999)


class Item(NamedTuple):
    """What a code stands for: a field of the model and the kind of quantity it is."""

    field: str
    kind: str


ITEMS = {
    code: Item(field, kind)
    for field, kind, codes in (
        ("so2", "gas", "SO2"),
        ("no", "gas", "NO"),
        ("no2", "gas", "NO2"),
        ("nox", "gas", "NOX"),
        ("co", "gas", "CO"),
        ("photochemical_oxidant", "gas", "OX"),
        ("nmhc", "gas", "NMHC"),
        ("ch4", "gas", "CH4"),
        ("thc", "gas", "THC THCP THCM"),
        ("spm", "dust", "SPM SPMP SPMB"),
        ("sp", "dust", "SP"),
        ("pm25", "fine dust", "PM25 PM2.5 PMFL PMBH"),
        ("temperature", "temperature", "TEMP"),
        ("relative_humidity", "share", "HUM"),
        ("wind_speed", "speed", "WS"),
        ("wind_direction", "direction", "WD"),
    )
    for code in codes.split()
}
# (kind, unit without its factor): how much one of them is in the model's unit
UNITS = {
    ("gas", "PPM"): 1.0,
    ("gas", "PPMC"): 1.0,
    ("gas", "PPHM"): 0.01,
    ("gas", "PPB"): 0.001,
    ("gas", "PPBC"): 0.001,
    ("dust", "MG/M3"): 1.0,
    ("dust", "UG/M3"): 0.001,
    ("fine dust", "UG/M3"): 1.0,
    ("temperature", "'C"): 1.0,
    ("temperature", "C"): 1.0,
    ("temperature", "DEG"): 1.0,
    ("share", "%"): 0.01,
    ("speed", "M/S"): 1.0,
}
_UNIT = re.compile(r"([\d.]*)(\D.*)")
_DIRECTION = 17  # of sixteen, and calm


class Cell(NamedTuple):
    """One value: when its hour ended, and of what it is."""

    at: datetime
    field: str
    value: float


def hourly(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """One entity per station and hour, made of the rows of all its items; its values are confirmed."""
    found: dict[tuple[str, datetime], dict[str, float]] = {}
    for row in rows(message.body, COLUMNS, ("year", "station", "item", "unit", "month", "day", "01h", "24h")):
        if isinstance(row, DecodeError):
            yield row
            continue
        code = row.cells["station"].strip()
        if code[:2] != prefecture:
            continue
        try:
            if code not in stations:
                raise DecodeError("測定局コード", code, "is not in the station table")
            for cell in _cells(row, message.received_at):
                if isinstance(cell, DecodeError):
                    yield cell.of_row(row.raw)
                else:
                    found.setdefault((code, cell.at), {})[cell.field] = cell.value
        except DecodeError as error:
            yield error.of_row(row.raw)
    for (code, at), values in found.items():
        yield observed(stations[code], at, "confirmed", **values)


def _cells(row: Row, received_at: datetime) -> Iterator[Cell | DecodeError]:
    """The values of one row; a bad one is an error of its own. Raises DecodeError when the row says not of what."""
    cells = row.cells
    item = ITEMS.get(cells["item"].strip().upper())
    if item is None:
        raise DecodeError("測定項目コード", cells["item"], "is no item known")
    factor = 0.0 if item.kind == "direction" else _factor(cells["unit"], item)
    midnight = None
    for hour, name in enumerate(HOURS, 1):
        try:
            if (value := _value(name, cells.get(name, ""), item, factor)) is not None:
                # Not before there is a value: short months have a 31st, of codes only.
                midnight = midnight or instant("測定日", _day(cells))
                yield Cell(plausible("測定日", midnight + timedelta(hours=hour), received_at), item.field, value)
        except DecodeError as error:
            yield error


def _value(name: str, text: str, item: Item, factor: float) -> float | None:
    value = number(name, text, _ANY)
    if value is None or value >= CODES:
        return None
    if item.kind == "direction":
        return signed_direction(name, str(int(within(name, value, Range(0, _DIRECTION)))))
    quantity = QUANTITIES[item.field]
    own = Range(quantity.allowed.low / quantity.scale, quantity.allowed.high / quantity.scale)
    return within(name, round(value * factor, 8), own)


def _factor(unit: str, item: Item) -> float:
    match = _UNIT.fullmatch(unit.strip().upper())
    if match is None or (item.kind, match[2].strip()) not in UNITS:
        raise DecodeError("測定単位コード", unit, f"is no unit known for {item.field}")
    try:
        return float(match[1] or 1) * UNITS[item.kind, match[2].strip()]
    except ValueError:
        raise DecodeError("測定単位コード", unit, "begins with no number") from None


def _day(cells: Mapping[str, str]) -> tuple[int, int, int]:
    try:
        year, month, day = (int(cells[name]) for name in ("year", "month", "day"))
    except ValueError:
        raise DecodeError("測定日", f"{cells['year']} {cells['month']} {cells['day']}", "is no date") from None
    return year + (month < 4), month, day
