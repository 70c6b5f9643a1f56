"""What bikes report, as Vehicle (formats document d.1 and d.3): tables and JSON lists, told apart by their columns.

    operator  the export of the bike share's operator, CSV with BOM or its portal's JSON: state, port, fix
    probe     GPS loggers: bike, time, place, and what else they have
    MDS       telemetry (m/s, milliseconds)

Times without a zone are Japanese. Pseudonyms stand in the place of numbers as soon as a row is read; what comes out
here still has to pass `decode.py`, which cuts the ends of trips.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import cos, hypot, radians
from typing import Any

from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.instants import moment
from adapters.codecs.jst import plausible
from adapters.codecs.number import Range
from adapters.codecs.station import position
from adapters.codecs.table import Row, rows, unit_of
from adapters.contract import DecodeError, Message, Pseudonym
from adapters.privacy.opt_out import OptOut
from models import Point, Vehicle, urn

COLUMNS: dict[str, tuple[str, ...]] = {
    "bike": (
        *("識別番号", "車両番号", "車両ID", "自転車ID", "自転車番号", "端末ID", "vehicleUniqueCode"),
        *("vehicle_id", "bike_id", "bikeId", "device_id", "deviceId", "bike"),
    ),
    "state": ("車両状態", "状態", "vehicleState"),
    "port_latitude": ("ポート緯度",),
    "port_longitude": ("ポート経度",),
    "reported": ("AT通知受信日時", "通知受信日時", "受信日時", "dataReceivedTs", "received_at"),
    "latitude": ("車両位置緯度", "緯度", "latitude", "lat", "location.lat", "gpsGlobalLocation.Latitude"),
    "longitude": ("車両位置経度", "経度", "longitude", "lon", "lng", "location.lng", "gpsGlobalLocation.Longitude"),
    "fixed": (
        *("測位日時", "測位時刻", "日時", "時刻", "gps_time", "timestamp", "datetime", "time"),
        "gpsGlobalLocation.DateTime",
    ),
    "altitude": ("標高", "高度", "altitude", "alt", "location.altitude", "gpsGlobalLocation.Elevation"),
    "speed": ("速度", "speed", "speed_kmh", "gpsGlobalLocation.GroundSpeed"),
    "speed_mps": ("speed_mps", "speed_ms", "location.speed"),
    "heading": ("方位", "進行方向", "heading", "course", "bearing", "location.heading", "gpsGlobalLocation.Direction"),
    "satellites": ("衛星数", "satellites", "sats", "location.satellites", "gpsGlobalLocation.SatellitesNumber"),
    "battery_voltage": ("電圧", "batteryElectricVoltage", "battery_voltage"),
    "battery": ("電池残量", "バッテリー残量", "battery", "battery_percent"),
}
# In the operator's export, `lat` and `lon` are the port's.
OPERATOR = COLUMNS | {
    "port_latitude": ("lat", "ポート緯度"),
    "port_longitude": ("lon", "ポート経度"),
    "latitude": ("車両位置緯度",),
    "longitude": ("車両位置経度",),
}
MARKS = tuple("車両位置緯度".encode(encoding) for encoding in ("utf-8", "cp932", "utf-16-le", "utf-16-be"))

QUANTITIES = {
    "altitude": Quantity(Range(-50, 4000)),
    "speed": Quantity(Range(0, 80)),
    "heading": Quantity(Range(0, 360)),
    "satellites": Quantity(Range(0, 100)),
    "battery_voltage": Quantity(Range(0, 60)),
    "battery": Quantity(Range(0, 100), 100),
}
METRES_PER_SECOND = Quantity(Range(0, 80 / 3.6), 1 / 3.6)
MOTION = ("altitude", "speed", "heading")
FEWEST_SATELLITES = 4
FASTEST = 60 / 3.6  # m/s: what is quicker from one fix to the next is no bike
JUMP = 200  # metres; below it, a fix may just be inexact

STATUS = {
    "parked": "利用可能 一時駐輪 予約中 USABLE PARKING RESERVATION PLACEMENT",
    "onRoute": "利用中 USING",
    "broken": "故障 MAINTENANCE ATTACHMENT_ABNORMAL",
    "outOfService": "利用不可 回収中 COLLECTION NEEDS_COLLECTION ABANDON SCRAPPED UNINSTALLATION",
}
SERVICE_STATUS = {state: status for status, states in STATUS.items() for state in states.split()}

Fixes = dict[str, tuple[datetime, Point]]


def vehicles(
    system: str, pseudonym: Pseudonym, message: Message, opt_out: OptOut | None = None
) -> Iterator[Vehicle | DecodeError]:
    """The bikes of one message, row by row; a bad cell is reported and its row read without it."""
    # `lat` means one thing in the operator's export and another elsewhere, so its mark must be found in any encoding.
    columns = OPERATOR if any(mark in message.body for mark in MARKS) else COLUMNS
    fleet = Fleet(system, pseudonym, message.received_at, opt_out or OptOut())
    for row in rows(message.body, columns, ("bike", ("fixed", "reported"))):
        if isinstance(row, DecodeError):
            yield row
            continue
        if fleet.left_out(row.cells["bike"].strip()):
            continue
        cells = Cells()
        try:
            yield _vehicle(fleet, row, cells)
        except DecodeError as error:
            yield error.of_row(row.raw)
        for bad in cells.errors:
            yield bad.of_row(row.raw)


class Fleet:
    """What the rows of one message share, so that it is not worked out for every one of them."""

    def __init__(self, system: str, pseudonym: Pseudonym, received_at: datetime, opt_out: OptOut) -> None:
        self.system, self.received_at = system, received_at
        self.last: Fixes = {}
        self._pseudonym, self._names = pseudonym, dict[str, str]()
        self._opt_out, self._left_out = opt_out, dict[str, bool]()
        self._header: object = None
        self._quantities: Mapping[str, Quantity] = QUANTITIES

    def name(self, bike: str) -> str:
        if bike not in self._names:
            self._names[bike] = self._pseudonym(bike)
        return self._names[bike]

    def left_out(self, bike: str) -> bool:
        if bike not in self._left_out:
            self._left_out[bike] = self._opt_out.has(bike)
        return self._left_out[bike]

    def quantities(self, row: Row) -> Mapping[str, Quantity]:
        if row.header is not self._header:
            self._header, self._quantities = row.header, _quantities(row)
        return self._quantities


def _vehicle(fleet: Fleet, row: Row, cells: Cells) -> Vehicle:
    told = row.cells
    if not (bike := told["bike"].strip()):
        raise DecodeError("識別番号", "", "is missing")
    values: dict[str, Any] = cells.quantities(told, fleet.quantities(row))
    if "speed_mps" in values:
        values["speed"] = values.pop("speed_mps")
    status = cells.attempt(lambda: _status(told)) if "state" in told else None
    fixed = _time("fixed", told, fleet.received_at)
    reported = _time("reported", told, fleet.received_at) if "reported" in told else None
    # A logger says nothing of the state: what it reports counts as ridden, and where it stood is cut out later.
    riding = status == "onRoute" if "state" in told else True
    satellites = values.pop("satellites", None)
    place, source = _place(told, cells, riding and fixed is not None and not _poor(satellites))
    name = fleet.name(bike)
    at = fixed if source == "gnss" else reported or fixed
    if at is None:
        raise DecodeError("測位日時", "", "is missing")
    if source == "gnss" and place is not None:
        _jump(name, at, place, fleet.last)
    else:
        # What belongs to a fix that is not used is no better than the fix.
        values = {field: value for field, value in values.items() if field not in MOTION}
    if values.get("heading") is not None:
        values["heading"] %= 360
    return Vehicle(
        id=urn("Vehicle", fleet.system, name),
        observed_at=at,
        vehicle_type="e-bike",
        category=("public", "tracked"),
        fleet_vehicle_id=name,
        location=place,
        position_source=source,
        service_status=status,
        **values,
    )


def _quantities(row: Row) -> Mapping[str, Quantity]:
    if "speed_mps" in row.cells:
        return QUANTITIES | {"speed_mps": METRES_PER_SECOND}
    if "speed" in row.cells and unit_of(row.header, COLUMNS["speed"]).lower() == "m/s":
        return QUANTITIES | {"speed": METRES_PER_SECOND}
    return QUANTITIES


def _time(name: str, told: Mapping[str, str], received_at: datetime) -> datetime | None:
    title = COLUMNS[name][0]
    return plausible(title, moment(title, text), received_at) if (text := told.get(name, "").strip()) else None


def _poor(satellites: float | None) -> bool:
    return satellites is not None and satellites < FEWEST_SATELLITES


def _place(told: Mapping[str, str], cells: Cells, ridden: bool) -> tuple[Point | None, str | None]:
    """The fix of a bike that is ridden, else the port's place, else nothing.

    Where a bike stands that is at no port may be where its rider lives: it has no place.
    """
    fix = _position(told, cells, "latitude", "longitude")
    if ridden and fix:
        return fix, "gnss"
    port = _position(told, cells, "port_latitude", "port_longitude")
    return (port, "port") if port else (None, None)


def _position(told: Mapping[str, str], cells: Cells, north: str, east: str) -> Point | None:
    try:
        return position(told.get(north, ""), told.get(east, ""))
    except DecodeError as error:
        cells.errors.append(error)
        return None


def _jump(name: str, at: datetime, place: Point, last: Fixes) -> None:
    """Raises DecodeError for a fix no bike could have reached since its last one."""
    before = last.get(name)
    if before is not None and at > before[0]:
        metres = _metres(before[1], place)
        if metres > JUMP and metres / (at - before[0]).total_seconds() > FASTEST:
            raise DecodeError("位置", f"{metres:.0f} m", "is further from the fix before than a bike gets in that time")
    last[name] = at, place


def _metres(here: Point, there: Point) -> float:
    north, east = there.latitude - here.latitude, there.longitude - here.longitude
    return 111_320 * hypot(north, east * cos(radians(here.latitude)))


def _status(told: Mapping[str, str]) -> str:
    state = told["state"].strip()
    if state not in SERVICE_STATUS:
        raise DecodeError("車両状態", state, "is no state known")
    return SERVICE_STATUS[state]
