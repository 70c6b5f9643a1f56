"""The operator's vehicle CSV to Vehicle (formats document d.1): UTF-8 with BOM, Japanese time, km/h.

A bike that stands takes its port's place and says so in positionSource. What a bike tells goes to the restricted tenant
only, with the ends of its trips cut out; what is public is counted in squares.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from adapters.bike_gps.squares import model
from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range, number
from adapters.codecs.station import position
from adapters.codecs.table import Row, rows
from adapters.contract import CONTINUES, TICK, Decode, DecodeError, Item, Message, Pseudonym, Restricted
from adapters.privacy.crowd import Crowd, Presence
from adapters.privacy.guard import Privacy
from adapters.privacy.mesh import mesh_code
from adapters.privacy.tracks import Fix, Tracks
from models import Point, Vehicle, urn

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
SQUARE = 500  # metres, when the profile names no mesh

STATUS = {
    "parked": "利用可能 一時駐輪 予約中 USABLE PARKING RESERVATION PLACEMENT",
    "onRoute": "利用中 USING",
    "broken": "故障 MAINTENANCE ATTACHMENT_ABNORMAL",
    "outOfService": "利用不可 回収中 COLLECTION NEEDS_COLLECTION ABANDON SCRAPPED UNINSTALLATION",
}
SERVICE_STATUS = {state: status for status, states in STATUS.items() for state in states.split()}


def decoder(system: str, bin_minutes: int, privacy: Privacy) -> Decode:
    """The decoder for one fleet. Trips go on from one message to the next only when it is marked `CONTINUES`."""
    side = privacy.profile.mesh or SQUARE
    crowd = Crowd(privacy, timedelta(minutes=bin_minutes), residents=None)
    tracks: Tracks[Vehicle] = Tracks(privacy.profile.trim_metres)

    def decode(message: Message) -> Iterator[Item]:
        ridden: list[Presence] = []
        more = message.metadata == CONTINUES

        def released(fixes: Iterable[Fix[Vehicle]]) -> Iterator[Restricted]:
            for at, place, vehicle in fixes:
                ridden.append(Presence(mesh_code(place, side), str(vehicle.fleet_vehicle_id), at, at))
                yield restricted(vehicle)

        def restricted(vehicle: Vehicle) -> Restricted:
            return Restricted(vehicle, message.received_at + timedelta(days=privacy.profile.retention_days))

        if message.metadata != TICK:
            for item in _vehicles(system, privacy, message):
                if isinstance(item, DecodeError):
                    yield item
                elif item.position_source == "gnss" and item.location and item.observed_at:
                    fix = Fix(item.observed_at, item.location, item)
                    yield from released(tracks.add(str(item.fleet_vehicle_id), fix))
                else:
                    yield restricted(item)
            if not more:
                yield from released(tracks.end())
        for each in crowd.tell(ridden, message.received_at, more):
            yield model(system, each)

    return decode


def _vehicles(system: str, pseudonym: Pseudonym, message: Message) -> Iterator[Vehicle | DecodeError]:
    for row in rows(message.body, COLUMNS, ("bike", "state", "reported")):
        if isinstance(row, DecodeError):
            yield row
            continue
        try:
            yield _vehicle(system, pseudonym, row, message)
        except DecodeError as error:
            yield error.of_row(row.raw)


def _vehicle(system: str, pseudonym: Pseudonym, row: Row, message: Message) -> Vehicle:
    cells = row.cells
    if not (bike := cells["bike"].strip()):
        raise DecodeError("識別番号", "", "is missing")
    status = _service_status(cells["state"].strip())
    place, source = _place(cells, riding=status == "onRoute")
    name = pseudonym(bike)
    reported = plausible("AT通知受信日時", local("AT通知受信日時", cells["reported"]), message.received_at)
    fixed = (
        plausible("測位日時", local("測位日時", text), message.received_at) if (text := cells.get("fixed")) else None
    )
    # What belongs to a fix that is not used is no better than the fix, but it has to make sense.
    altitude, speed, heading = motion if (motion := _motion(cells)) and source == "gnss" else (None, None, None)
    return Vehicle(
        id=urn("Vehicle", system, name),
        observed_at=fixed if source == "gnss" else reported,
        vehicle_type="e-bike",
        category=("public", "tracked"),
        fleet_vehicle_id=name,
        location=place,
        position_source=source,
        altitude=altitude,
        speed=speed,
        heading=None if heading is None else heading % 360,
        battery_voltage=number("電圧", cells.get("voltage"), Range(0, 60)),
        service_status=status,
    )


def _place(cells: Mapping[str, str], riding: bool) -> tuple[Point | None, str | None]:
    """The fix of a bike that is ridden, when it has a time and enough satellites, else the port's place, else nothing.

    Where a bike stands that is at no port may be where its rider lives: it has no place.
    """
    fix = position(cells.get("latitude", ""), cells.get("longitude", ""))
    satellites = number("衛星数", cells.get("satellites"), Range(0, 100))
    if riding and fix and cells.get("fixed") and (satellites is None or satellites >= FEWEST_SATELLITES):
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
