"""AMeDAS, the weather stations of the Japan Meteorological Agency, as its web site's JSON."""

from pathlib import Path

from adapters.amedas.decode import decoder
from adapters.amedas.stations import read_table
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings

HERE = Path(__file__).parent


class AmedasSettings(SourceSettings):
    """`stations` gives names and places: amedastable.json itself, or a CSV of code, name, latitude, longitude.

    Of the nationwide map, the stations whose number begins with one of `areas` are ours (56: Ishikawa); of the
    warnings, the areas whose code begins with one of `warning_areas` (17201: Kanazawa).
    """

    source: str = "amedas"
    stations: Path = HERE / "stations.csv"
    areas: tuple[str, ...] = ("56",)
    warning_areas: tuple[str, ...] = ("17201",)


def _decoder(settings: AmedasSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings.source, read_table(settings.stations), settings.areas, settings.warning_areas)


ADAPTER = Adapter(name="amedas", transport="file", settings=AmedasSettings, decoder=_decoder)
