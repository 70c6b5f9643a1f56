"""The geo-query (GS CIM 009, 4.10)."""

import re
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import orjson

from ngsi.errors import BadRequestData, shown
from ngsi.geometry import GEOMETRY_TYPES, Geometry, geometry
from ngsi.jsonld import Context
from ngsi.naming import attribute_in

RELATIONS: Final = frozenset({"within", "contains", "intersects", "disjoint", "equals", "overlaps"})
_ALL_AROUND: Final = 3e7  # metres: no two places on Earth are so far apart
_NEAR = re.compile(r"near;(maxDistance|minDistance)==?(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class GeoQuery:
    """`relation` of an entity's GeoProperty (`geoproperty`, an IRI) to `geometry`; distances in metres for near."""

    relation: str
    geometry: Geometry
    geoproperty: str
    max_distance: float | None = None
    min_distance: float | None = None


def parse_geo(georel: Any, kind: Any, coordinates: Any, geoproperty: Any, context: Context) -> GeoQuery | None:
    """The members of a geo-query; None when none of them is there. Raises BadRequestData."""
    if georel is None and kind is None and coordinates is None and geoproperty is None:
        return None
    for name, value in (("georel", georel), ("geometry", kind), ("coordinates", coordinates)):
        if value is None:
            raise BadRequestData(f"{name}: a geo-query needs georel, geometry and coordinates together (4.10)")
    for name, value in (("georel", georel), ("geometry", kind), ("geoproperty", geoproperty or "location")):
        if not isinstance(value, str):
            raise BadRequestData(f"{name}: {shown(value)} is not a string")
    shape = reference(kind, coordinates, "geometry", "coordinates")
    target = attribute_in("geoproperty", geoproperty or "location", context)
    georel = georel.replace(" ", "")
    if georel in RELATIONS:
        return GeoQuery(georel, shape, target)
    near = _NEAR.fullmatch(georel)
    if near is None or not 0 < float(near.group(2)) < inf:
        raise BadRequestData(
            f"georel: {shown(georel)} is neither near;maxDistance==x nor near;minDistance==x (metres, more than 0) "
            f"nor one of {', '.join(sorted(RELATIONS))}"
        )
    distance = min(float(near.group(2)), _ALL_AROUND)
    if near.group(1) == "maxDistance":
        return GeoQuery("near", shape, target, max_distance=distance)
    return GeoQuery("near", shape, target, min_distance=distance)


def reference(kind: str, coordinates: Any, kind_field: str, coordinates_field: str) -> Geometry:
    """The geometry of two members that have these names; raises BadRequestData naming the one that is wrong."""
    if kind not in GEOMETRY_TYPES:
        raise BadRequestData(f"{kind_field}: {shown(kind)} is not one of {', '.join(sorted(GEOMETRY_TYPES))} (4.7.1)")
    return geometry({"type": kind, "coordinates": _coordinates(coordinates, coordinates_field)}, coordinates_field)


def _coordinates(value: Any, field: str) -> Any:
    """Coordinates may come as JSON text (4.10)."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise BadRequestData(f"{field}: {shown(value)} is not a JSON array") from None
