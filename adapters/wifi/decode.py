"""Wi-Fi logs to CrowdFlowObserved, one per spot and time bin (formats document e.1).

`logs.py` reads the logs. The identifier is replaced by the day's pseudonym as its row is read, and only counts leave
this module. The whole file is one count: a file that brings a part of a bin again would replace the bin's number.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from adapters.codecs.jst import plausible
from adapters.codecs.station import Station
from adapters.codecs.table import plain_name
from adapters.contract import Decode, DecodeError, Message, Pseudonym
from adapters.wifi.count import Count, Presence, counts
from adapters.wifi.logs import Sighting, sightings
from models import CrowdFlowObserved, Model, urn

if TYPE_CHECKING:
    from adapters.wifi.adapter import WifiSettings


def decoder(
    settings: "WifiSettings", spots: Sequence[Station], access_points: Mapping[str, str], pseudonym: Pseudonym
) -> Decode:
    """The decoder for these spots; a log names its spot by number, by name, or by an access point that stands there."""
    by_code = {spot.code: spot for spot in spots}
    known = by_code | {_name(spot.name): spot for spot in spots}
    known |= {_canonical(access_point): by_code[spot] for access_point, spot in access_points.items()}
    zone = timezone(timedelta(hours=settings.utc_offset))
    width = timedelta(minutes=settings.bin_minutes)

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        presences: list[Presence] = []
        for item in _presences(sightings(message.body, zone, settings.secret), known, pseudonym, message.received_at):
            if isinstance(item, DecodeError):
                yield item
            else:
                presences.append(item)
        for count in counts(presences, width, settings.resident_share, settings.resident_hours):
            yield _observed(settings.source, known[count.spot], count)

    return decode


def _presences(
    found: Iterator[Sighting | DecodeError], spots: Mapping[str, Station], pseudonym: Pseudonym, received_at: datetime
) -> Iterator[Presence | DecodeError]:
    pseudonyms: dict[str, str] = {}
    for number, each in enumerate(found):
        if isinstance(each, DecodeError):
            yield each
            continue
        device = each.device
        # A session without an id is one device nobody can tell from another.
        if device not in pseudonyms or not device:
            pseudonyms[device] = pseudonym(_canonical(device) if device else f"row {number}")
        try:
            yield _presence(each, pseudonyms[device], spots, received_at)
        except DecodeError as error:
            yield error.of_row(each.raw())


def _presence(each: Sighting, pseudonym: str, spots: Mapping[str, Station], received_at: datetime) -> Presence:
    spot = _spot(each.places, spots)
    start = plausible("開始", each.start, received_at)
    if (end := each.end or start) < start:
        raise DecodeError("終了", end.isoformat(), "lies before the start")
    return Presence(spot.code, pseudonym, start, min(end, received_at))


def _spot(places: Sequence[str], spots: Mapping[str, Station]) -> Station:
    for place in places:
        if (spot := spots.get(place) or spots.get(_name(place)) or spots.get(_canonical(place))) is not None:
            return spot
    raise DecodeError("施設", " ".join(places), "is not in the table of spots")


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
