"""Bike share ports, and vehicles that wait, through GBFS."""

from adapters.bike_share.decode import System, decoder
from adapters.contract import Adapter, Decode, SourceSettings
from adapters.privacy.guard import Privacy


class BikeShareSettings(SourceSettings):
    """`system` goes into the entity ids; `provider` is the operator, `vehicle_type` a word of Vehicle."""

    system: str
    provider: str = ""
    vehicle_type: str = "e-bike"


def _decoder(settings: BikeShareSettings, privacy: Privacy) -> Decode:
    return decoder(System(settings.system, settings.provider or None, settings.vehicle_type))


ADAPTER = Adapter(name="bike_share", transport="poll", settings=BikeShareSettings, decoder=_decoder)
