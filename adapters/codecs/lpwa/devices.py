"""The device table: which terminal is what, where it stands and how its payload is laid out."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from adapters.codecs.lpwa.entities import KINDS
from adapters.codecs.lpwa.fields import fields_of
from adapters.codecs.lpwa.layouts import LAYOUTS, Read
from adapters.codecs.station import position
from adapters.codecs.table import Row, rows_of
from adapters.contract import DecodeError
from models import Point

TABLE = Path(__file__).parent / "devices.csv"

COLUMNS = {
    "terminal": ("terminalId",),
    "type": ("type",),
    "code": ("code",),
    "name": ("name",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "layout": ("layout",),
    "controlled": ("controlledProperty",),
    "fields": ("fields",),
}


class Terminal(NamedTuple):
    """One row. `code` is the stable part of the observed entity's id; no `location` means that it moves."""

    terminal: str
    type: str
    code: str
    name: str
    location: Point | None
    controlled: tuple[str, ...]
    read: Read


def read_devices(path: Path) -> Mapping[str, Terminal]:
    """Terminal id (upper case) to row. Raises ValueError naming the first bad row, OSError without a file."""
    terminals: dict[str, Terminal] = {}
    for row in rows_of(path, COLUMNS, ("terminal", "type", "layout")):
        try:
            terminal = _terminal(row)
        except DecodeError as error:
            raise ValueError(f"{path.name}: {error}") from error
        if terminal.terminal in terminals:
            raise ValueError(f"{path.name}: terminal {terminal.terminal} stands in it twice")
        terminals[terminal.terminal] = terminal
    return terminals


def _terminal(row: Row) -> Terminal:
    cells = {name: cell.strip() for name, cell in row.cells.items()}
    if cells["type"] not in KINDS:
        raise DecodeError("type", cells["type"], f"is none of {', '.join(KINDS)}")
    if cells["layout"] not in LAYOUTS:
        raise DecodeError("layout", cells["layout"], f"is none of {', '.join(LAYOUTS)}")
    terminal = cells["terminal"].upper()
    return Terminal(
        terminal=terminal,
        type=cells["type"],
        code=cells.get("code") or terminal,
        name=cells.get("name", ""),
        location=position(cells.get("latitude", ""), cells.get("longitude", "")),
        controlled=tuple(cells.get("controlled", "").split()) or KINDS[cells["type"]].controlled,
        read=LAYOUTS[cells["layout"]](fields_of(cells.get("fields", ""))),
    )
