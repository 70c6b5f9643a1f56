"""Bike share ports through GBFS."""

from adapters.bike_share.decode import decoder
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings


class BikeShareSettings(SourceSettings):
    """`system` goes into the entity ids; `provider` is the operator's name."""

    system: str
    provider: str = ""


def _decoder(settings: BikeShareSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings.system, settings.provider or None)


ADAPTER = Adapter(name="bike_share", transport="poll", settings=BikeShareSettings, decoder=_decoder)
