"""GeoJSON geometries (RFC 7946; GS CIM 009, 4.7): checked, and written as EWKB for the database."""

import struct
from collections.abc import Callable
from typing import Any, Final

from ngsi.depth import check_depth
from ngsi.errors import BadRequestData, shown

Geometry = dict[str, Any]
_PLAIN: Final = frozenset({"type", "coordinates"})
_MAX_DEPTH: Final = 20  # of members that GeoJSON does not know; PostGIS reads a geometry of at most 32 levels
_SRID: Final = 4326
_WITH_SRID: Final = 0x20000000


def _position(value: Any, where: str) -> None:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise BadRequestData(f"{where}: {shown(value)} is not a position [longitude, latitude]")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise BadRequestData(f"{where}: {shown(number)} in a position is not a number")
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise BadRequestData(
            f"{where}: {shown(value)}: longitude lies in -180..180, latitude in -90..90, in that order"
        )


def _list_of(check: Callable[[Any, str], None], least: int, what: str) -> Callable[[Any, str], None]:
    def checked(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise BadRequestData(f"{where}: {shown(value)} is not {what}")
        for item in value:
            check(item, where)

    return checked


_line = _list_of(_position, 2, "a line of two positions or more")
_open_ring = _list_of(_position, 4, "a ring of four positions or more")


def _ring(value: Any, where: str) -> None:
    _open_ring(value, where)
    if value[0] != value[-1]:
        raise BadRequestData(f"{where}: a ring ends where it begins, but {shown(value[0])} is not {shown(value[-1])}")


_polygon = _list_of(_ring, 1, "a polygon: an array of rings")

_COORDINATES: Final[dict[str, Callable[[Any, str], None]]] = {
    "Point": _position,
    "MultiPoint": _list_of(_position, 1, "an array of positions"),
    "LineString": _line,
    "MultiLineString": _list_of(_line, 1, "an array of lines"),
    "Polygon": _polygon,
    "MultiPolygon": _list_of(_polygon, 1, "an array of polygons"),
}
GEOMETRY_TYPES: Final = frozenset(_COORDINATES)


def looks_like_geometry(value: object) -> bool:
    if not isinstance(value, dict) or "coordinates" not in value:
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in GEOMETRY_TYPES


def geometry(value: object, where: str) -> Geometry:
    """`value` as a GeoJSON geometry; raises BadRequestData (a GeometryCollection is refused, 4.7)."""
    if not isinstance(value, dict):
        raise BadRequestData(f"{where}: {shown(value)} is not a GeoJSON geometry")
    kind = value.get("type")
    check = _COORDINATES.get(kind) if isinstance(kind, str) else None
    if check is None:
        allowed = ", ".join(_COORDINATES)
        raise BadRequestData(f"{where}: geometry type {shown(value.get('type'))} is not one of {allowed}")
    check(value.get("coordinates"), where)
    if not _PLAIN.issuperset(value):
        _check_foreign(value, where)
    return value


def _check_foreign(value: Geometry, where: str) -> None:
    """Members beyond `_PLAIN` are kept as they are (RFC 7946, 6.1), as long as PostGIS can pass over them."""
    for member, content in value.items():
        if member not in _PLAIN:
            check_depth(content, f"{where}.{member}", _MAX_DEPTH)
    crs = value.get("crs")
    if crs is not None and not _names_system(crs):
        raise BadRequestData(
            f"{where}.crs: {shown(crs)} names no reference system; coordinates are WGS 84 anyway (RFC 7946, 4)"
        )


def _names_system(crs: Any) -> bool:
    named = crs.get("properties") if isinstance(crs, dict) and crs.get("type") == "name" else None
    return isinstance(named, dict) and isinstance(named.get("name"), str)


_CODES: Final = {
    "Point": 1,
    "LineString": 2,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
}
_PARTS: Final = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}


def ewkb(value: Geometry) -> bytes:
    """A checked geometry as EWKB (little endian, SRID 4326); a third coordinate is left out."""
    return struct.pack("<BII", 1, _CODES[value["type"]] | _WITH_SRID, _SRID) + _body(
        value["type"], value["coordinates"]
    )


def _body(kind: str, coordinates: Any) -> bytes:
    part = _PARTS.get(kind)
    if part is not None:
        head = struct.pack("<BI", 1, _CODES[part])
        return struct.pack("<I", len(coordinates)) + b"".join(head + _body(part, item) for item in coordinates)
    if kind == "Point":
        return struct.pack("<dd", coordinates[0], coordinates[1])
    if kind == "LineString":
        return struct.pack("<I", len(coordinates)) + b"".join(_body("Point", item) for item in coordinates)
    return struct.pack("<I", len(coordinates)) + b"".join(_body("LineString", ring) for ring in coordinates)
