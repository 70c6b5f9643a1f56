"""Which of the air quality formats a file is, told by its header (formats document c)."""

from collections.abc import Callable, Iterator, Mapping

from adapters.air_quality import nies, soramame
from adapters.codecs.station import Station
from adapters.contract import Decode, DecodeError, Message
from models import Model

Format = Callable[[Message, Mapping[str, Station], str], Iterator[Model | DecodeError]]

# how the first column is called, in the encodings the files come in
FORMATS: tuple[tuple[bytes, Format], ...] = (
    ("測定局コード".encode(), soramame.hourly),
    ("測定局コード".encode("cp932"), soramame.hourly),
    (b"date", nies.daily),
)


def decoder(stations: Mapping[str, Station], prefecture: str) -> Decode:
    """The decoder for these stations."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        start = message.body.removeprefix(b"\xef\xbb\xbf").lstrip(b'"')
        for mark, read in FORMATS:
            if start.startswith(mark):
                return read(message, stations, prefecture)
        # soramame answers 200 with a page of HTML for an hour it does not have
        raise DecodeError("first bytes", message.body[:20], "begin no air quality table known")

    return decode
