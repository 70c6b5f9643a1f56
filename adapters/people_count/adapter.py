"""People counts of the 観光快適度 sensors: numbers only, already without persons."""

from pathlib import Path

from pydantic import Field

from adapters.codecs.station import by_code, read_stations
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.people_count.decode import decoder

HERE = Path(__file__).parent


class PeopleCountSettings(SourceSettings):
    """`utc_offset` is the zone of the files in hours: 9 for published files, 0 for the raw counters."""

    source: str = "kaiteki"
    areas: Path = HERE / "areas.csv"
    utc_offset: int = Field(default=9, ge=-12, le=14)


def _decoder(settings: PeopleCountSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(settings.source, by_code(read_stations(settings.areas)), settings.utc_offset)


ADAPTER = Adapter(name="people_count", transport="file", settings=PeopleCountSettings, decoder=_decoder)
