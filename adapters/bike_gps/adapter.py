"""Positions of shared bikes from the operator's export. Bikes carry people: ids are pseudonyms of one day."""

from adapters.bike_gps.decode import decoder
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings


class BikeGpsSettings(SourceSettings):
    """`system` goes into the entity ids."""

    system: str = "machinori"


def _decoder(settings: BikeGpsSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings.system, pseudonym)


ADAPTER = Adapter(name="bike_gps", transport="file", settings=BikeGpsSettings, decoder=_decoder, personal=True)
