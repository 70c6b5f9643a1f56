"""Rain gauges as files: municipal CSV and AMeDAS snapshots."""

from pathlib import Path
from typing import Literal

from adapters.codecs.station import read_stations
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.rain_gauge.decode import decoder

HERE = Path(__file__).parent


class RainGaugeSettings(SourceSettings):
    """`source` goes into the entity ids, `stations` gives code and place to rows that name a station only.

    `prefectures` keeps only the rows of these prefectures, where the file has such a column. `bare` says which amount a
    column called 雨量 and nothing more holds.
    """

    source: str = "kanazawa"
    stations: Path = HERE / "stations.csv"
    prefectures: tuple[str, ...] = ()
    bare: Literal["", "precipitation", "precipitation_1h", "precipitation_clock_hour", "precipitation_cumulative"] = ""


def _decoder(settings: RainGaugeSettings, pseudonym: Pseudonym) -> Decode:
    stations = read_stations(settings.stations)
    return decoder(settings.source, stations, frozenset(settings.prefectures), settings.bare)


ADAPTER = Adapter(name="rain_gauge", transport="file", settings=RainGaugeSettings, decoder=_decoder)
