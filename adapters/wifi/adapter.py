"""Wi-Fi logs, counted per spot and time bin. No device ever becomes an entity."""

from pathlib import Path

from pydantic import Field

from adapters.codecs.station import read_stations
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.wifi.decode import decoder

HERE = Path(__file__).parent


class WifiSettings(SourceSettings):
    """`bin_minutes` is the length of a count, `utc_offset` the zone of the log in hours.

    A device seen in at least `resident_share` of the hours of a log of `resident_hours` or more is equipment.
    """

    source: str = "wifi"
    spots: Path = HERE / "spots.csv"
    bin_minutes: int = Field(default=30, ge=5, le=1440)
    utc_offset: int = Field(default=9, ge=-12, le=14)
    resident_share: float = Field(default=0.8, gt=0, le=1)
    resident_hours: int = Field(default=4, ge=1)


def _decoder(settings: WifiSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings, read_stations(settings.spots), pseudonym)


ADAPTER = Adapter(name="wifi", transport="file", settings=WifiSettings, decoder=_decoder, personal=True)
