"""GTFS and GTFS-JP feeds to GtfsAgency, GtfsStop, GtfsRoute and, if wanted, GtfsTrip (formats document f)."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from adapters.codecs.cells import Cells
from adapters.codecs.gtfs import FILES, Translations, files_of, is_zip, name_of, table
from adapters.codecs.station import position
from adapters.codecs.table import Row, read_rows, text_of
from adapters.contract import Decode, DecodeError, Message
from adapters.gtfs.calendar import doubts
from models import GtfsAgency, GtfsRoute, GtfsStop, GtfsTrip, Model, urn

# The model knows the digits of the first GTFS; what came later and the European list are brought back to them.
ROUTE_TYPES = {"11": "3", "12": "1"}
EXTENDED = {"1": "2", "2": "3", "4": "1", "7": "3", "8": "3", "9": "0", "10": "4", "12": "4", "13": "6", "14": "7"}


class Feed(NamedTuple):
    """What the rows of one file need to know of the others."""

    name: str
    source: str
    agencies: tuple[str, ...]
    translations: Translations
    places: Mapping[str, Mapping[str, str]]

    def urn(self, entity_type: str, code: str) -> str:
        return urn(entity_type, self.name, code)


def decoder(feed: str, source: str, trips: bool) -> Decode:
    """The decoder for one feed. `source` is where it comes from when it does not say so itself."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        # A row that was set aside comes back alone, as a file without its zip.
        files = files_of(message.body) if is_zip(message.body) else _single(message.body)
        known = _feed(feed, source, files)
        for name, read in READERS.items():
            if name in files and (trips or name != "trips"):
                yield from _file(name, files[name], known, read)
        if "calendar" in files:
            yield from doubts(files["calendar"], files.get("calendar_dates", b""))
        if not any(name in files for name in READERS):
            raise DecodeError("feed", sorted(files), "holds neither agency, stops, routes nor trips")

    return decode


def _single(body: bytes) -> dict[str, bytes]:
    line = text_of(body).lstrip("\r\n").split("\n", 1)[0]
    return {name_of(line.replace('"', "").strip().split(",")): body}


def _file(
    name: str, body: bytes, feed: Feed, read: Callable[[Feed, Mapping[str, str], Cells], Model]
) -> Iterator[Model | DecodeError]:
    """The entities of one file; a file that cannot be read at all leaves the others alone."""

    def one(row: Row) -> Iterator[Model | DecodeError]:
        key = FILES[name][1].split()[0]
        if not row.cells[key].strip():
            raise DecodeError(f"{name}.txt {key}", "", "is missing")
        reader = Cells()
        yield read(feed, {column: cell.strip() for column, cell in row.cells.items()}, reader)
        yield from reader.errors

    try:
        yield from read_rows(table(name, body), one)
    except DecodeError as error:
        yield DecodeError(f"{name}.txt {error.field}", error.value, error.rule, body)


def _feed(name: str, source: str, files: Mapping[str, bytes]) -> Feed:
    agencies = [row.cells for row in _rows("agency", files)]
    info = next((row.cells for row in _rows("feed_info", files)), {})
    told = info.get("feed_publisher_url") or next((each.get("agency_url", "") for each in agencies), "")
    return Feed(
        name,
        source or told or f"gtfs:{name}",
        tuple(_agency_code(each) for each in agencies),
        Translations(_rows("translations", files)),
        {row.cells["stop_id"].strip(): row.cells for row in _rows("stops", files)},
    )


def _rows(name: str, files: Mapping[str, bytes]) -> Iterator[Row]:
    try:
        yield from (row for row in (table(name, files[name]) if name in files else ()) if isinstance(row, Row))
    except DecodeError:
        return  # told once already, where the file's own rows are read


def _agency_code(cells: Mapping[str, str]) -> str:
    return cells.get("agency_id", "").strip() or cells["agency_name"].strip()


def _agency(feed: Feed, cells: Mapping[str, str], reader: Cells) -> Model:
    return GtfsAgency(
        id=feed.urn("GtfsAgency", _agency_code(cells)),
        agency_name=cells["agency_name"],
        name=cells["agency_name"],
        source=feed.source,
        page=cells.get("agency_url") or None,
        phone=cells.get("agency_phone") or None,
        timezone=cells.get("agency_timezone") or None,
        language=cells.get("agency_lang") or None,
    )


def _stop(feed: Feed, cells: Mapping[str, str], reader: Cells) -> Model:
    code, name = cells["stop_id"], cells["stop_name"]
    parent = cells.get("parent_station", "")
    # Only nodes and boarding areas may have no place of their own: then they are where they belong to.
    placed = (cells, feed.places.get(parent, {})) if cells.get("location_type") in ("3", "4") else (cells,)
    places = (position(each.get("stop_lat", ""), each.get("stop_lon", "")) for each in placed)
    place = next(filter(None, places), None)
    if place is None:
        raise DecodeError("stops.txt stop_lat", code, "has no place")
    return GtfsStop(
        id=feed.urn("GtfsStop", code),
        code=cells.get("stop_code") or code,
        name=name,
        name_en=feed.translations.of("stop_name", "en", code, name),
        name_kana=feed.translations.of("stop_name", "ja-Hrkt", code, name),
        location=place,
        # With several agencies, only the timetable could tell whose stop it is.
        operated_by=tuple(feed.urn("GtfsAgency", each) for each in feed.agencies) if len(feed.agencies) == 1 else None,
        parent_station=feed.urn("GtfsStop", parent) if parent else None,
        zone_code=cells.get("zone_id") or None,
        platform_code=cells.get("platform_code") or None,
        location_type=cells.get("location_type") or None,
        wheelchair_accessible=_choice("wheelchair_boarding", cells, reader, ("0", "1", "2")),
        page=cells.get("stop_url") or None,
    )


def _route(feed: Feed, cells: Mapping[str, str], reader: Cells) -> Model:
    code, agency = cells["route_id"], cells.get("agency_id", "")
    agency = agency or (feed.agencies[0] if len(feed.agencies) == 1 else "")
    return GtfsRoute(
        id=feed.urn("GtfsRoute", code),
        operated_by=feed.urn("GtfsAgency", agency) if agency else None,
        short_name=cells.get("route_short_name") or None,
        name=cells.get("route_long_name") or cells.get("route_short_name") or None,
        description=cells.get("route_desc") or None,
        route_type=reader.attempt(lambda: _route_type(cells["route_type"])),
        route_color=cells.get("route_color") or None,
        route_text_color=cells.get("route_text_color") or None,
        sort_order=int(order) if (order := cells.get("route_sort_order", "")).isdecimal() else None,
        page=cells.get("route_url") or None,
    )


def _route_type(text: str) -> str:
    known = text if text in "01234567" and len(text) == 1 else ROUTE_TYPES.get(text)
    known = known or (EXTENDED.get(text[:-2]) if text.isdecimal() and len(text) in (3, 4) else None)
    if known is None:
        raise DecodeError("routes.txt route_type", text, "is none of GTFS, nor of its extended list")
    return known


def _trip(feed: Feed, cells: Mapping[str, str], reader: Cells) -> Model:
    direction = _choice("direction_id", cells, reader, ("0", "1"))
    wheelchair = _choice("wheelchair_accessible", cells, reader, ("0", "1", "2"))
    return GtfsTrip(
        id=feed.urn("GtfsTrip", cells["trip_id"]),
        has_route=feed.urn("GtfsRoute", cells["route_id"]),
        has_service=feed.urn("GtfsService", cells["service_id"]),
        head_sign=cells.get("trip_headsign") or None,
        short_name=cells.get("trip_short_name") or None,
        direction=int(direction) if direction else None,
        block=cells.get("block_id") or None,
        has_shape=feed.urn("GtfsShape", shape) if (shape := cells.get("shape_id", "")) else None,
        wheelchair_accessible=int(wheelchair) if wheelchair else None,
    )


def _choice(column: str, cells: Mapping[str, str], reader: Cells, choices: tuple[str, ...]) -> str | None:
    text = cells.get(column, "")
    if text and text not in choices:
        reader.errors.append(DecodeError(column, text, f"is none of {', '.join(choices)}"))
        return None
    return text or None


READERS: dict[str, Callable[[Feed, Mapping[str, str], Cells], Model]] = {
    "agency": _agency,
    "stops": _stop,
    "routes": _route,
    "trips": _trip,
}
