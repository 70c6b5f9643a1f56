"""Water levels of rivers, canals and sewers, as tables and as documents of 川の防災情報."""

from pathlib import Path

from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.water_level.decode import decoder
from adapters.water_level.gauges import read_gauges

HERE = Path(__file__).parent


class WaterLevelSettings(SourceSettings):
    """`source` goes into the entity ids; `gauges` gives code, place, water and thresholds of each gauge (CSV)."""

    source: str = "kanazawa"
    gauges: Path = HERE / "gauges.csv"


def _decoder(settings: WaterLevelSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings.source, read_gauges(settings.gauges))


ADAPTER = Adapter(name="water_level", transport="file", settings=WaterLevelSettings, decoder=_decoder)
