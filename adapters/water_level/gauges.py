"""The table of gauges: where each stands, on which water, and from which level on something is to be done."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.number import Range
from adapters.codecs.station import Station, position
from adapters.codecs.table import Row, rows_of
from adapters.contract import DecodeError

LEVEL = Range(-100, 2000)  # m; some datums are the sea's

# thresholds in rising order: field of the model, and how the columns are called
THRESHOLDS: dict[str, tuple[str, ...]] = {
    "standby_level": ("水防団待機水位", "通報水位", "待機水位", "standbyLevel"),
    "alert_level": ("氾濫注意水位", "はん濫注意水位", "警戒水位", "注意水位", "warnLevel", "alertLevel"),
    "evacuation_level": ("避難判断水位", "特別警戒水位", "evacuationJudgementLevel"),
    "danger_level": (
        "氾濫危険水位",
        "はん濫危険水位",
        "危険水位",
        "内水氾濫危険水位",
        "雨水出水特別警戒水位",
        "fladLevel",
        "dangerLevel",
    ),
    "planned_high_level": ("計画高水位", "HWL", "plannedHighWaterLevel"),
}
LEVELS = {field: Quantity(LEVEL) for field in THRESHOLDS}
COLUMNS = {
    "code": ("code", "観測所コード"),
    "name": ("name", "観測所名"),
    "latitude": ("latitude", "緯度"),
    "longitude": ("longitude", "経度"),
    "river": ("river", "河川名"),
} | THRESHOLDS


class Gauge(NamedTuple):
    """One gauge; `levels` are the thresholds the table knows, in m above the gauge's datum."""

    station: Station
    river: str
    levels: Mapping[str, float]


def read_gauges(path: Path) -> list[Gauge]:
    """The table at `path`. Raises ValueError naming the first bad row, OSError without a file."""
    try:
        return [_gauge(row) for row in rows_of(path, COLUMNS, ("code", "latitude", "longitude"))]
    except DecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _gauge(row: Row) -> Gauge:
    cells = row.cells
    place = position(cells["latitude"], cells["longitude"])
    if place is None:
        raise DecodeError("code", cells["code"], "has no place")
    reader = Cells()
    levels: dict[str, Any] = reader.quantities(cells, LEVELS)
    if reader.errors:
        raise reader.errors[0]
    station = Station(cells["code"].strip(), cells.get("name", "").strip(), place)
    return Gauge(station, cells.get("river", "").strip(), levels)
