"""Wi-Fi logs to CrowdFlowObserved, one per spot and time bin (formats document e.1).

`logs.py` reads the logs. The identifier is replaced by the day's pseudonym as its row is read, and what leaves this
module are counts and flows that may be published.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from adapters.codecs.jst import plausible
from adapters.codecs.station import Station
from adapters.codecs.table import plain_name
from adapters.contract import CONTINUES, TICK, Decode, DecodeError, Message
from adapters.privacy.crowd import Crowd, Presence, Residents
from adapters.privacy.guard import Privacy
from adapters.privacy.mesh import centre, mesh_code
from adapters.privacy.opt_out import canonical
from adapters.privacy.store import Publication
from adapters.wifi.logs import Sighting, sightings
from models import WITHHELD, CrowdFlowObserved, Model, OriginDestinationFlow, Point, urn

if TYPE_CHECKING:
    from adapters.wifi.adapter import WifiSettings


def decoder(
    settings: "WifiSettings", spots: Sequence[Station], access_points: Mapping[str, str], privacy: Privacy
) -> Decode:
    """The decoder for these spots; a log names its spot by number, by name, or by an access point that stands there."""
    by_code = {spot.code: spot for spot in spots}
    known = by_code | {_name(spot.name): spot for spot in spots}
    known |= {canonical(access_point): by_code[spot] for access_point, spot in access_points.items()}
    zone = timezone(timedelta(hours=settings.utc_offset))
    residents = Residents(settings.resident_share, settings.resident_hours)
    crowd = Crowd(privacy, timedelta(minutes=settings.bin_minutes), residents)
    places = Places(settings.source, by_code, privacy.profile.mesh)

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        presences: list[Presence] = []
        if message.metadata != TICK:
            found = sightings(message.body, zone, message.received_at, settings.secret)
            for item in _presences(found, known, places, privacy, message.received_at):
                if isinstance(item, DecodeError):
                    yield item
                else:
                    presences.append(item)
        for each in crowd.tell(presences, message.received_at, more=message.metadata == CONTINUES):
            yield places.model(each)

    return decode


def _presences(
    found: Iterator[Sighting | DecodeError],
    spots: Mapping[str, Station],
    places: "Places",
    privacy: Privacy,
    received_at: datetime,
) -> Iterator[Presence | DecodeError]:
    pseudonyms: dict[str, str] = {}
    for number, each in enumerate(found):
        if isinstance(each, DecodeError):
            yield each
            continue
        device = each.device
        # A session without an id is one device nobody can tell from another.
        if device not in pseudonyms or not device:
            if device and privacy.opt_out.has(device):
                continue
            pseudonyms[device] = privacy(canonical(device) if device else f"row {number}")
        try:
            yield _presence(each, pseudonyms[device], spots, places, received_at)
        except DecodeError as error:
            yield error.of_row(each.raw())


def _presence(
    each: Sighting, pseudonym: str, spots: Mapping[str, Station], places: "Places", received_at: datetime
) -> Presence:
    spot = _spot(each.places, spots)
    start = plausible("開始", each.start, received_at)
    if (end := each.end or start) < start:
        raise DecodeError("終了", end.isoformat(), "lies before the start")
    return Presence(places.cell(spot), pseudonym, start, min(end, received_at))


def _spot(places: Sequence[str], spots: Mapping[str, Station]) -> Station:
    for place in places:
        if (spot := spots.get(place) or spots.get(_name(place)) or spots.get(canonical(place))) is not None:
            return spot
    raise DecodeError("施設", " ".join(places), "is not in the table of spots")


class Places:
    """The cells of one source: its spots, or the JIS X 0410 squares they lie in, and what is said of them."""

    def __init__(self, source: str, spots: Mapping[str, Station], mesh: int) -> None:
        self._source, self._spots, self._mesh = source, spots, mesh

    def cell(self, spot: Station) -> str:
        return mesh_code(spot.location, self._mesh) if self._mesh else spot.code

    def model(self, each: Publication) -> Model:
        start, end = datetime.fromtimestamp(each.start, UTC), datetime.fromtimestamp(each.finish, UTC)
        if each.destination:
            return self._flow(each, start, end + (end - start))
        return CrowdFlowObserved(
            id=urn("CrowdFlowObserved", self._source, each.cell),
            observed_at=end,
            name=None if self._mesh else self._spots[each.cell].name,
            mesh_code=each.cell if self._mesh else None,
            location=self._place(each.cell),
            date_observed_from=start,
            date_observed_to=end,
            people_count=WITHHELD if each.value is None else each.value,
            suppressed=each.value is None,
            minimum_count=each.k,
        )

    def _flow(self, each: Publication, start: datetime, end: datetime) -> OriginDestinationFlow:
        return OriginDestinationFlow(
            id=urn("OriginDestinationFlow", self._source, f"{each.cell}:{each.destination}"),
            observed_at=end,
            origin_location_code=each.cell,
            destination_location_code=each.destination,
            origin_location=self._place(each.cell),
            destination_location=self._place(each.destination),
            flow_type="mixed",
            date_observed_from=start,
            date_observed_to=end,
            flow_count=each.value,
            minimum_count=each.k,
        )

    def _place(self, cell: str) -> Point:
        return centre(cell) if self._mesh else self._spots[cell].location


def _name(text: str) -> str:
    return plain_name(text)
