"""The files of a GTFS or GTFS-JP feed, from its zip."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence

from adapters.codecs.table import Required, Row, rows
from adapters.contract import DecodeError

MOST_BYTES = 512 * 1024 * 1024  # of one unpacked file: beyond that it is a bomb, not a timetable

# name: its columns; the first ones, up to the number given, must be there
STOPS = (
    "stop_id stop_name stop_lat stop_lon stop_code zone_id stop_url location_type parent_station platform_code "
    "wheelchair_boarding"
)
FILES: dict[str, tuple[int, str]] = {
    "agency": (1, "agency_name agency_id agency_url agency_timezone agency_lang agency_phone"),
    "feed_info": (1, "feed_publisher_name feed_publisher_url feed_lang feed_version"),
    "stops": (2, STOPS),
    "routes": (
        2,
        "route_id route_type agency_id route_short_name route_long_name route_desc route_url route_color "
        "route_text_color route_sort_order",
    ),
    "trips": (
        3,
        "trip_id route_id service_id trip_headsign trip_short_name direction_id block_id shape_id "
        "wheelchair_accessible",
    ),
    "stop_times": (3, "trip_id stop_id stop_sequence arrival_time departure_time stop_headsign"),
    "calendar": (1, "service_id monday tuesday wednesday thursday friday saturday sunday start_date end_date"),
    "calendar_dates": (2, "service_id date exception_type"),
    "translations": (
        1,
        "translation trans_id lang table_name field_name language record_id record_sub_id field_value",
    ),
}


def is_zip(body: bytes) -> bool:
    return body.startswith(b"PK\x03\x04")


def files_of(body: bytes) -> dict[str, bytes]:
    """Name without `.txt` to bytes, of the files known here. Raises DecodeError when no zip, or a monstrous one."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            found: dict[str, bytes] = {}
            # Of two files of one name, the one nearer to the top counts: what lies deeper may be a backup.
            for info in sorted(archive.infolist(), key=lambda each: -each.filename.count("/")):
                name = info.filename.rpartition("/")[2].removesuffix(".txt")
                if name not in FILES or not info.filename.endswith(".txt"):
                    continue
                if info.file_size > MOST_BYTES:
                    raise DecodeError(info.filename, info.file_size, f"is larger than {MOST_BYTES} bytes")
                found[name] = archive.read(info)
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise DecodeError("feed", body[:4], f"is no zip that can be read: {error}") from None


def table(name: str, body: bytes) -> Iterator[Row | DecodeError]:
    """The rows of one file. Raises DecodeError when its header lacks what it must have."""
    least, columns = FILES[name]
    names = columns.split()
    required: Required = tuple(names[:least])
    return rows(body, {column: (column,) for column in names}, required)


def name_of(header: Sequence[str]) -> str:
    """The file a header belongs to. Raises DecodeError."""
    columns = {column.strip() for column in header}
    for name, (least, known) in FILES.items():
        if columns.issuperset(known.split()[:least]):
            return name
    raise DecodeError("header", ",".join(header), "is of no file of a GTFS feed that is known")


class Translations:
    """Names by language: the newer file by table and field, the older (GTFS-JP 1) by the text itself."""

    def __init__(self, found: Iterator[Row | DecodeError]) -> None:
        self._texts: dict[tuple[str, str, str], str] = {}
        for row in found:
            if isinstance(row, Row):
                self._add(row.cells)

    def _add(self, cells: Mapping[str, str]) -> None:
        language, text = cells.get("language") or cells.get("lang", ""), cells.get("translation", "").strip()
        field = cells.get("field_name", "")
        keys = (cells.get("record_id", ""), cells.get("field_value", ""), cells.get("trans_id", ""))
        for key in filter(None, keys):
            self._texts[field, key, language.lower()] = text

    def of(self, field: str, language: str, *keys: str) -> str | None:
        """The text of `field` in `language`, by record or by the text it translates."""
        found = (self._texts.get((each, key, language.lower())) for key in keys for each in (field, ""))
        return next(filter(None, found), None)
