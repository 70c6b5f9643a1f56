"""Which of the air quality formats a file is, told by its header (formats document c)."""

import codecs
from collections.abc import Callable, Iterator, Mapping

from adapters.air_quality import nies, nies_hourly, soramame
from adapters.codecs.station import Station
from adapters.codecs.table import text_of
from adapters.contract import Decode, DecodeError, Message
from models import Model

Format = Callable[[Message, Mapping[str, Station], str], Iterator[Model | DecodeError]]

# a column only this format has; the first that is found counts
FORMATS: tuple[tuple[str, Format], ...] = (
    ("測定項目コード", nies_hourly.hourly),
    ("注意喚起実施日時", soramame.alerts),
    ("測定局コード", soramame.hourly),
    ("SKT_CD", soramame.hourly),
    ("年,月,日,時", soramame.hourly),
    ("_mean", nies.daily),
)


def decoder(stations: Mapping[str, Station], prefecture: str) -> Decode:
    """The decoder for these stations."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        # The header is text like the rest, but enough of it to be told stands in the first kilobytes.
        header = _beginning(message.body)
        for mark, read in FORMATS:
            if mark in header:
                return read(message, stations, prefecture)
        # soramame answers 200 with a page of HTML for an hour it does not have
        raise DecodeError("first bytes", message.body[:20], "begin no air quality table known")

    return decode


def _beginning(body: bytes) -> str:
    """The first line, or the first kilobytes of a JSON list, without quotes. Raises DecodeError."""
    line, end, _ = body[:8192].partition(b"\n")
    # A line of UTF-16 does not end where its bytes seem to, and JSON may be one line.
    whole = not end or body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or body.lstrip()[:1] in (b"[", b"{")
    return text_of(body if whole else line)[:8192].replace('"', "")
