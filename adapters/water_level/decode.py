"""Levels of rivers, canals and sewers to FloodMonitoring (formats document b.1, b.2 and b.4).

Tables of a city or a prefecture (CSV or JSON, one gauge per row), the telemeter documents of 川の防災情報, and its
list of crisis gauges, whose levels are counted from the bank. Levels are m above the gauge's own datum and may be
negative.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from adapters.codecs import kawabou
from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.jst import plausible
from adapters.codecs.number import MUNICIPAL, Range
from adapters.codecs.observation import WHERE_AND_WHEN, station_of, time_of
from adapters.codecs.station import by_name
from adapters.codecs.table import Row, read_rows, rows, unit_of
from adapters.contract import Decode, DecodeError, Message
from adapters.water_level.gauges import LEVEL, LEVELS, THRESHOLDS, Gauge
from models import FloodMonitoring, Model, urn

OBSERVED: dict[str, tuple[tuple[str, ...], Quantity]] = {
    "current_level": (
        (
            "水位",
            "現在水位",
            "貯水位",
            "観測水位",
            "河川水位",
            "幹線水位",
            "管渠内水位",
            "管内水位",
            "level",
            "waterLevel",
            "currentLevel",
        ),
        Quantity(LEVEL),
    ),
    "level_change": (("10分水位変化", "水位変化", "stg10mChg"), Quantity(Range(-50, 50))),
    "flow": (("流量", "放流量", "全放流量", "flow"), Quantity(Range(0, 50_000))),
    "inflow": (("流入量", "全流入量"), Quantity(Range(0, 50_000))),
    "storage_share": (("貯水率",), Quantity(Range(0, 200), 100)),
}
QUANTITIES = {field: quantity for field, (_, quantity) in OBSERVED.items()} | LEVELS
COLUMNS = (
    WHERE_AND_WHEN
    | {field: names for field, (names, _) in OBSERVED.items()}
    | THRESHOLDS
    | {
        "river": ("河川名", "水系河川名", "幹線名", "river"),
        "status": ("状況", "警戒レベル", "水位状況", "危険度", "status"),
        "pump_state": ("ポンプ運転状況", "ポンプ運転状態", "運転状況", "pumpState"),
    }
)
# a river's gauge, and a dam: its level, what flows in and out, how full it is
TELEMETER = {
    "stg": "current_level",
    "stg10mChg": "level_change",
    "storLvl": "current_level",
    "allDisch": "flow",
    "allSink": "inflow",
    "storPcntEff": "storage_share",
}
PARTS = {"cm": 100, "mm": 1000}  # of a metre

# what a level has reached, where the source has no word of its own for it
REACHED = (
    ("danger_level", "danger"),
    ("evacuation_level", "evacuation"),
    ("alert_level", "alert"),
    ("standby_level", "standby"),
)


def decoder(source: str, gauges: Sequence[Gauge]) -> Decode:
    """The decoder for one network of gauges."""
    codes = {gauge.station.code: gauge for gauge in gauges}
    stations = {code: gauge.station for code, gauge in codes.items()}
    names = by_name(stations.values())

    def table(message: Message) -> Iterator[Model | DecodeError]:
        def read(row: Row) -> Iterator[Model | DecodeError]:
            station = station_of(row.cells, stations, names)
            gauge = codes.get(station.code, Gauge(station, "", {}))
            at = plausible("観測日時", time_of(row.cells, message), message.received_at)
            cells = Cells()
            values: dict[str, Any] = cells.quantities(row.cells, _scaled(row), MUNICIPAL)
            values |= {name: text for name in ("status", "pump_state") if (text := row.cells.get(name, "").strip())}
            if values.keys() & {*OBSERVED, "status", "pump_state"}:
                yield _observed(source, gauge, at, values, row.cells.get("river", "").strip())
            yield from cells.errors

        return read_rows(rows(message.body, COLUMNS, (("name", "code"), (*OBSERVED, "pump_state"))), read)

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        if kawabou.is_telemeter(message.body):
            return kawabou.read_telemeter(message, codes, TELEMETER, QUANTITIES, partial(_observed, source))
        return table(message)

    return decode


def _scaled(row: Row) -> Mapping[str, Quantity]:
    """The quantities in the units the header names: a level may be in cm."""
    units = {field: unit_of(row.header, COLUMNS[field]) for field in QUANTITIES}
    if not PARTS.keys() & units.values():
        return QUANTITIES
    return {field: _in(quantity, PARTS.get(units[field], 1)) for field, quantity in QUANTITIES.items()}


def _in(quantity: Quantity, parts: float) -> Quantity:
    return Quantity(Range(quantity.allowed.low * parts, quantity.allowed.high * parts), parts)


def _observed(source: str, gauge: Gauge, at: datetime, values: Mapping[str, Any], river: str = "") -> FloodMonitoring:
    """The row's own thresholds count before the table's."""
    told = {**gauge.levels, **values}
    return FloodMonitoring(
        id=urn("FloodMonitoring", source, gauge.station.code),
        observed_at=at,
        name=gauge.station.name or None,
        location=gauge.station.location,
        station_id=gauge.station.code,
        river_name=river or gauge.river or None,
        **({"status": _reached(told)} | told),
    )


def _reached(told: Mapping[str, Any]) -> str | None:
    """How far the water has come, None when there is no level or nothing to hold it against."""
    level = told.get("current_level")
    if level is None or not any(name in told for name, _ in REACHED):
        return None
    return next((word for name, word in REACHED if name in told and level >= told[name]), "normal")
