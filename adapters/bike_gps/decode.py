"""What bikes report: to the restricted tenant with the ends of trips cut out, to everybody counted in squares.

`exports.py` reads the formats. A bike that stands takes its port's place and says so in positionSource.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from adapters.bike_gps.exports import vehicles
from adapters.bike_gps.squares import model
from adapters.contract import CONTINUES, TICK, Decode, DecodeError, Item, Message, Restricted
from adapters.privacy.crowd import Crowd, Presence
from adapters.privacy.guard import Privacy
from adapters.privacy.mesh import mesh_code
from adapters.privacy.tracks import Fix, Tracks
from models import Vehicle

SQUARE = 500  # metres, when the profile names no mesh


def decoder(system: str, bin_minutes: int, privacy: Privacy) -> Decode:
    """The decoder for one fleet. Trips go on from one message to the next only when it is marked `CONTINUES`."""
    side = privacy.profile.mesh or SQUARE
    crowd = Crowd(privacy, timedelta(minutes=bin_minutes), residents=None)
    tracks: Tracks[Vehicle] = Tracks(privacy.profile.trim_metres)
    standing: dict[str, tuple[object, ...]] = {}  # what a bike that stands has said in this file

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
            for item in vehicles(system, privacy, message, privacy.opt_out):
                if isinstance(item, DecodeError):
                    yield item
                elif item.position_source == "gnss" and item.location and item.observed_at:
                    standing.pop(item.id, None)
                    fix = Fix(item.observed_at, item.location, item)
                    yield from released(tracks.add(str(item.fleet_vehicle_id), fix))
                elif standing.get(item.id) != (news := (item.location, item.service_status, item.battery_voltage)):
                    standing[item.id] = news
                    yield restricted(item)
            if not more:
                standing.clear()
                yield from released(tracks.end())
        for each in crowd.tell(ridden, message.received_at, more):
            yield model(system, each)

    return decode
