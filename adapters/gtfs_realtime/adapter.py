"""GTFS Realtime: where the vehicles are, when they come, and what is wrong."""

from pathlib import Path

from pydantic import Field

from adapters.contract import Adapter, Decode, SourceSettings
from adapters.gtfs_realtime.timetable import Timetable
from adapters.privacy.guard import Privacy


class GtfsRealtimeSettings(SourceSettings):
    """`feed` is that of the static feed, so that trips and stops meet; `static` is its zip, needed for arrivals."""

    feed: str = Field(min_length=1)
    vehicle_type: str = "bus"
    static: Path | None = None


def _decoder(settings: GtfsRealtimeSettings, privacy: Privacy) -> Decode:
    # Protobuf is loaded by those who use it.
    from adapters.gtfs_realtime.decode import decoder

    timetable = Timetable(settings.static.read_bytes()) if settings.static else Timetable()
    return decoder(settings.feed, settings.vehicle_type, timetable)


ADAPTER = Adapter(name="gtfs_realtime", transport="poll", settings=GtfsRealtimeSettings, decoder=_decoder)
