"""GTFS and GTFS-JP: agencies, stops and lines of public transport."""

from pydantic import Field

from adapters.contract import Adapter, Decode, SourceSettings
from adapters.gtfs.decode import decoder
from adapters.privacy.guard import Privacy


class GtfsSettings(SourceSettings):
    """`feed` goes into the entity ids, `source` says where it comes from; `trips` makes an entity of every trip."""

    feed: str = Field(min_length=1)
    source: str = ""
    trips: bool = False


def _decoder(settings: GtfsSettings, privacy: Privacy) -> Decode:
    return decoder(settings.feed, settings.source, settings.trips)


ADAPTER = Adapter(name="gtfs", transport="file", settings=GtfsSettings, decoder=_decoder)
