"""Wi-Fi logs to CrowdFlowObserved, one per spot and time bin (formats document e.1).

Two logs are read: packet sensing (時間, 施設No, ユーザー情報) and association sessions (施設名, 端末ID, 接続開始,
接続終了). The identifier is replaced by the day's pseudonym as its row is read, and only counts leave this module. The
whole file is one count: a file that brings a part of a bin again would replace the bin's number.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from adapters.codecs.jst import local, plausible
from adapters.codecs.station import Station
from adapters.codecs.table import Row, plain_name, rows
from adapters.contract import Decode, DecodeError, Message, Pseudonym
from adapters.wifi.count import Count, Presence, counts
from models import CrowdFlowObserved, Model, urn

if TYPE_CHECKING:
    from adapters.wifi.adapter import WifiSettings

COLUMNS = {
    "spot": ("施設No", "施設No.", "施設名"),
    "device": ("ユーザー情報", "端末ID", "MACアドレス"),
    "start": ("時間", "接続開始", "開始時刻"),
    "end": ("接続終了", "終了時刻"),
}


def decoder(settings: "WifiSettings", spots: Sequence[Station], pseudonym: Pseudonym) -> Decode:
    """The decoder for these spots; a row names its spot by number or by name."""
    known = {spot.code: spot for spot in spots} | {_name(spot.name): spot for spot in spots}
    zone = timezone(timedelta(hours=settings.utc_offset))
    width = timedelta(minutes=settings.bin_minutes)

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        presences: list[Presence] = []
        for item in _presences(message, known, pseudonym, zone):
            if isinstance(item, DecodeError):
                yield item
            else:
                presences.append(item)
        for count in counts(presences, width, settings.resident_share, settings.resident_hours):
            yield _observed(settings.source, known[count.spot], count)

    return decode


def _presences(
    message: Message, spots: Mapping[str, Station], pseudonym: Pseudonym, zone: timezone
) -> Iterator[Presence | DecodeError]:
    pseudonyms: dict[str, str] = {}
    for number, row in enumerate(rows(message.body, COLUMNS, ("spot", "start", "device"))):
        if isinstance(row, DecodeError):
            yield row
            continue
        device = row.cells["device"].strip()
        # A session without an id is one device nobody can tell from another.
        if device not in pseudonyms or not device:
            pseudonyms[device] = pseudonym(_canonical(device) if device else f"row {number}")
        try:
            yield _presence(row, pseudonyms[device], spots, zone, message.received_at)
        except DecodeError as error:
            yield error.of_row(row.raw)


def _presence(
    row: Row, pseudonym: str, spots: Mapping[str, Station], zone: timezone, received_at: datetime
) -> Presence:
    spot = spots.get(_name(row.cells["spot"]))
    if spot is None:
        raise DecodeError("施設", row.cells["spot"], "is not in the table of spots")
    start = plausible("開始", local("開始", row.cells["start"], zone), received_at)
    end = local("終了", text, zone) if (text := row.cells.get("end", "").strip()) else start
    if end < start:
        raise DecodeError("終了", row.cells["end"], "lies before the start")
    return Presence(spot.code, pseudonym, start, min(end, received_at))


def _observed(source: str, spot: Station, count: Count) -> CrowdFlowObserved:
    return CrowdFlowObserved(
        id=urn("CrowdFlowObserved", source, spot.code),
        observed_at=count.end,
        name=spot.name,
        location=spot.location,
        date_observed_from=count.start,
        date_observed_to=count.end,
        people_count=count.devices,
    )


def _name(text: str) -> str:
    return plain_name(text)


def _canonical(device: str) -> str:
    """One spelling of a MAC address, whatever stands between its digits."""
    folded = unicodedata.normalize("NFKC", device).casefold()
    digits = folded.translate({ord(each): None for each in ":-. "})
    return digits if len(digits) == 12 else folded
