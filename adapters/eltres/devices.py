"""The device table: which terminal is what, where it stands and how its payload is laid out."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from adapters.codecs.station import position
from adapters.codecs.table import Row, rows
from adapters.contract import DecodeError
from adapters.eltres.payload import LAYOUTS
from models import Point

COLUMNS = {
    "terminal": ("terminalId",),
    "type": ("type",),
    "code": ("code",),
    "name": ("name",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "layout": ("layout",),
    "controlled": ("controlledProperty",),
}

# What a terminal of each type watches, in the words of the Device model; the table may say otherwise.
CONTROLLED: dict[str, tuple[str, ...]] = {
    "AirQualityObserved": ("temperature", "humidity", "airPollution"),
    "WeatherObserved": ("weatherConditions",),
    "Vehicle": ("location",),
    "Device": (),
}


class Terminal(NamedTuple):
    """One row. `code` is the stable part of the observed entity's id; no `location` means that it moves."""

    terminal: str
    type: str
    code: str
    name: str
    location: Point | None
    layout: str
    controlled: tuple[str, ...]


def read_devices(path: Path) -> Mapping[str, Terminal]:
    """Terminal id (upper case) to row. Raises ValueError naming the first bad row, OSError without a file."""
    terminals: dict[str, Terminal] = {}
    for row in rows(path.read_bytes(), COLUMNS, ("terminal", "type", "layout")):
        try:
            if isinstance(row, DecodeError):
                raise row
            terminal = _terminal(row)
        except DecodeError as error:
            raise ValueError(f"{path.name}: {error}") from error
        if terminal.terminal in terminals:
            raise ValueError(f"{path.name}: terminal {terminal.terminal} stands in it twice")
        terminals[terminal.terminal] = terminal
    return terminals


def _terminal(row: Row) -> Terminal:
    cells = {name: cell.strip() for name, cell in row.cells.items()}
    if cells["type"] not in CONTROLLED:
        raise DecodeError("type", cells["type"], f"is none of {', '.join(CONTROLLED)}")
    if cells["layout"] not in LAYOUTS:
        raise DecodeError("layout", cells["layout"], f"is none of {', '.join(LAYOUTS)}")
    terminal = cells["terminal"].upper()
    return Terminal(
        terminal=terminal,
        type=cells["type"],
        code=cells.get("code") or terminal,
        name=cells.get("name", ""),
        location=position(cells.get("latitude", ""), cells.get("longitude", "")),
        layout=cells["layout"],
        controlled=tuple(cells.get("controlled", "").split()) or CONTROLLED[cells["type"]],
    )
