"""Geo-queries asked of one entity in memory (GS CIM 009, 4.10), as PostGIS answers them.

`near` is a distance on the WGS 84 ellipsoid (type geography there), the other relations are planar in degrees
(type geometry). A polygon that crosses itself is made valid first, as the stored ones are.
"""

from collections.abc import Callable
from typing import Any, Final

from ngsi.entity import Entity
from ngsi.geodesy import distance_within
from ngsi.geometry import Geometry, ewkb
from ngsi.query.geo import GeoQuery

Holds = Callable[[Geometry], bool]
_POINTS: Final = frozenset({"Point", "MultiPoint"})


def match_geo(query: GeoQuery) -> Callable[[Entity], bool]:
    """True when any instance of the GeoProperty holds; an entity without it never matches, not even disjoint."""
    holds = _near(query) if query.relation == "near" else _relates(query)
    name = query.geoproperty

    def matches(entity: Entity) -> bool:
        for instance in entity.attributes.get(name, ()):
            if instance["type"] == "GeoProperty" and isinstance(instance["value"], dict) and holds(instance["value"]):
                return True
        return False

    return matches


def _near(query: GeoQuery) -> Holds:
    origin = _valid_parts(query.geometry)
    metres = query.max_distance or query.min_distance or 0.0
    wanted = query.max_distance is not None
    return lambda value: distance_within(_valid_parts(value), origin, metres) is wanted


def _relates(query: GeoQuery) -> Holds:
    import shapely

    reference = valid_shape(query.geometry)
    shapely.prepare(reference)
    relation = query.relation
    if relation in ("within", "contains"):  # prepared geometries answer with themselves first
        relation = "contains" if relation == "within" else "within"
    ask = getattr(shapely, relation)
    return lambda value: bool(ask(reference, valid_shape(value)))


def valid_shape(value: Geometry) -> Any:
    """The shape of a checked geometry; when it crosses itself, its valid parts of the highest dimension.

    Sides of more than 60 degrees are split, as the stored ones are: no side runs through opposite points of the Earth.
    """
    import shapely

    shape = shapely.from_wkb(ewkb(value))
    if value["type"] in _POINTS:
        return shape
    if not shape.is_valid:
        shape = _highest_parts(shapely.make_valid(shape))
    return shapely.segmentize(shape, 60)


def _highest_parts(shape: Any) -> Any:
    import shapely

    if shape.geom_type != "GeometryCollection":
        return shape
    parts = list(shapely.get_parts(shape))
    highest = max(shapely.get_dimensions(part) for part in parts)
    return shapely.union_all([part for part in parts if shapely.get_dimensions(part) == highest])


def _valid_parts(value: Geometry) -> Geometry:
    if value["type"] in _POINTS:
        return value
    from shapely.geometry import mapping

    return dict(mapping(valid_shape(value)))
