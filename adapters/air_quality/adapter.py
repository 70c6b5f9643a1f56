"""Air monitoring stations as files: そらまめくん hourly, NIES daily means."""

from datetime import timedelta
from pathlib import Path

from adapters.air_quality.decode import decoder
from adapters.codecs.station import by_code, read_stations
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings

HERE = Path(__file__).parent


class AirQualitySettings(SourceSettings):
    """`stations` gives the places, `prefecture` (two digits) the rows of national files which are ours."""

    stations: Path = HERE / "stations.csv"
    prefecture: str = "17"


def _decoder(settings: AirQualitySettings, pseudonym: Pseudonym) -> Decode:
    return decoder(by_code(read_stations(settings.stations)), settings.prefecture)


ADAPTER = Adapter(
    name="air_quality", transport="file", settings=AirQualitySettings, decoder=_decoder, settled=timedelta(days=30)
)
