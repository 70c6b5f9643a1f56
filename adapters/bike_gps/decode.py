"""The operator's vehicle CSV to Vehicle (formats document d.1): UTF-8 with BOM, Japanese time, km/h.

A bike that stands at a port without a fix of its own takes the port's place and says so in positionSource.
"""

from collections.abc import Iterator, Mapping

from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range, number
from adapters.codecs.station import position
from adapters.codecs.table import Row, rows
from adapters.contract import Decode, DecodeError, Message, Pseudonym
from models import Model, Point, Vehicle, urn

COLUMNS = {
    "bike": ("識別番号",),
    "state": ("車両状態",),
    "port_latitude": ("lat",),
    "port_longitude": ("lon",),
    "voltage": ("電圧",),
    "reported": ("AT通知受信日時",),
    "latitude": ("車両位置緯度",),
    "longitude": ("車両位置経度",),
    "fixed": ("測位日時",),
    "altitude": ("標高",),
    "speed": ("速度",),
    "heading": ("方位",),
    "satellites": ("衛星数",),
}
FEWEST_SATELLITES = 4

STATUS = {
    "parked": "利用可能 一時駐輪 予約中 USABLE PARKING RESERVATION PLACEMENT",
    "onRoute": "利用中 USING",
    "broken": "故障 MAINTENANCE ATTACHMENT_ABNORMAL",
    "outOfService": "利用不可 回収中 COLLECTION NEEDS_COLLECTION ABANDON SCRAPPED UNINSTALLATION",
}
SERVICE_STATUS = {state: status for status, states in STATUS.items() for state in states.split()}


def decoder(system: str, pseudonym: Pseudonym) -> Decode:
    """The decoder for one fleet."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        for row in rows(message.body, COLUMNS, ("bike", "state", "reported")):
            if isinstance(row, DecodeError):
                yield row
                continue
            try:
                yield _vehicle(system, pseudonym, row, message)
            except DecodeError as error:
                yield error.of_row(row.raw)

    return decode


def _vehicle(system: str, pseudonym: Pseudonym, row: Row, message: Message) -> Vehicle:
    cells = row.cells
    if not (bike := cells["bike"].strip()):
        raise DecodeError("識別番号", "", "is missing")
    place, source = _place(cells)
    name = pseudonym(bike)
    at = local("測位日時", cells["fixed"]) if source == "gnss" else local("AT通知受信日時", cells["reported"])
    # What belongs to a fix that was not good enough is no better than the fix.
    altitude, speed, heading = _motion(cells) if source == "gnss" else (None, None, None)
    return Vehicle(
        id=urn("Vehicle", system, name),
        observed_at=plausible("測位日時", at, message.received_at),
        vehicle_type="e-bike",
        category=("public", "tracked"),
        fleet_vehicle_id=name,
        location=place,
        position_source=source,
        altitude=altitude,
        speed=speed,
        heading=None if heading is None else heading % 360,
        battery_voltage=number("電圧", cells.get("voltage"), Range(0, 60)),
        service_status=_service_status(cells["state"].strip()),
    )


def _place(cells: Mapping[str, str]) -> tuple[Point | None, str | None]:
    """The bike's own fix when it has a time and enough satellites, else the port's place, else nothing."""
    fix = position(cells.get("latitude", ""), cells.get("longitude", ""))
    satellites = number("衛星数", cells.get("satellites"), Range(0, 100))
    if fix and cells.get("fixed") and (satellites is None or satellites >= FEWEST_SATELLITES):
        return fix, "gnss"
    port = position(cells.get("port_latitude", ""), cells.get("port_longitude", ""))
    return (port, "port") if port else (None, None)


def _motion(cells: Mapping[str, str]) -> tuple[float | None, float | None, float | None]:
    """Altitude in m, speed in km/h, heading in degrees."""
    return (
        number("標高", cells.get("altitude"), Range(-50, 4000)),
        number("速度", cells.get("speed"), Range(0, 80)),
        number("方位", cells.get("heading"), Range(0, 360)),
    )


def _service_status(state: str) -> str:
    if state not in SERVICE_STATUS:
        raise DecodeError("車両状態", state, "is no state known")
    return SERVICE_STATUS[state]
