"""Positions of shared bikes from the operator's export. Bikes carry people: only counts and flows are public."""

from pydantic import Field

from adapters.bike_gps.decode import decoder
from adapters.contract import Adapter, Decode, SourceSettings
from adapters.privacy.guard import Privacy


class BikeGpsSettings(SourceSettings):
    """`system` goes into the entity ids, `bin_minutes` is the length of a count."""

    system: str = "machinori"
    bin_minutes: int = Field(default=60, ge=15, le=1440)


def _decoder(settings: BikeGpsSettings, privacy: Privacy) -> Decode:
    return decoder(settings.system, settings.bin_minutes, privacy)


ADAPTER = Adapter(
    name="bike_gps", transport="file", settings=BikeGpsSettings, decoder=_decoder, personal=True, ticks=60.0
)
