"""Distances between GeoJSON geometries on the WGS 84 ellipsoid, as PostGIS measures type geography.

Lines and the sides of polygons are great circles: the closest two points are found on the sphere, their distance on
the ellipsoid. Polygons are valid and smaller than a hemisphere.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import asin, atan, atan2, cos, degrees, pi, radians, sin, sqrt, tan
from typing import Any, Final

from ngsi.geometry import Geometry

Vector = tuple[float, float, float]
Position = Any  # [longitude, latitude] in degrees
_RADIUS: Final = 6371008.7714  # metres, mean radius of the ellipsoid
FLATTENING_ERROR: Final = 0.0057  # a distance on the sphere is off by this much at most
_LEAST_RADIUS: Final = 6_330_000.0  # metres; less than any radius of curvature of the ellipsoid
_LONGEST_SIDE: Final = 60.0  # degrees; longer ones are split


def distance_within(one: Geometry, other: Geometry, metres: float) -> bool:
    """True when the two geometries are at most `metres` apart; touching ones are 0 apart."""
    if one["type"] == "Point" and other["type"] == "Point":
        return _points_within(one["coordinates"], other["coordinates"], metres)
    return any(_parts_within(a, b, metres) for a in _parts(one) for b in _parts(other))


def around(value: Geometry, metres: float) -> tuple[float, float, float, float]:
    """West, south, east and north of a box in degrees that holds every place within `metres` of `value`."""
    sides = [side for part in _parts(value) for side in _sides(*part)]
    longitudes, latitudes = zip(*((at[0], at[1]) for side in sides for at in side), strict=True)
    highest = radians(max(map(abs, latitudes)))
    widest = radians(min(max(abs(b[0] - a[0]) for a, b in sides), _LONGEST_SIDE))
    highest_on_sphere = atan(tan(highest) / cos(widest / 2))  # great circles bend towards the poles
    reach = metres / _LEAST_RADIUS
    more = degrees(highest_on_sphere - highest + reach)
    south, north = max(min(latitudes) - more, -90.0), min(max(latitudes) + more, 90.0)
    if highest_on_sphere + reach >= pi / 2:
        return -180.0, south, 180.0, north
    spread = degrees(asin(min(sin(reach) / cos(highest_on_sphere), 1.0)))
    west, east = min(longitudes) - spread, max(longitudes) + spread
    return (west, south, east, north) if west >= -180 and east <= 180 else (-180.0, south, 180.0, north)


def _points_within(a: Position, b: Position, metres: float) -> bool:
    rough = _sphere_distance(a, b)
    if rough * (1 - FLATTENING_ERROR) > metres:
        return False
    return rough * (1 + FLATTENING_ERROR) < metres or _ellipsoid_distance(a, b) <= metres


def _sphere_distance(a: Position, b: Position) -> float:
    """Haversine, in metres."""
    latitude, other = radians(a[1]), radians(b[1])
    chord = sin((other - latitude) / 2) ** 2 + cos(latitude) * cos(other) * sin(radians(b[0] - a[0]) / 2) ** 2
    return 2 * _RADIUS * asin(min(1.0, sqrt(chord)))


def _ellipsoid_distance(a: Position, b: Position) -> float:
    from geographiclib.geodesic import Geodesic

    return float(Geodesic.WGS84.Inverse(a[1], a[0], b[1], b[0], Geodesic.DISTANCE)["s12"])


def _parts(value: Geometry) -> Iterator[tuple[str, Any]]:
    kind, coordinates = value["type"], value["coordinates"]
    if kind.startswith("Multi"):
        for part in coordinates:
            yield kind.removeprefix("Multi"), part
    else:
        yield kind, coordinates


def _parts_within(one: tuple[str, Any], other: tuple[str, Any], metres: float) -> bool:
    if _covers(one, other) or _covers(other, one):
        return True
    return any(_sides_within(first, second, metres) for first in list(_sides(*one)) for second in list(_sides(*other)))


def _covers(area: tuple[str, Any], thing: tuple[str, Any]) -> bool:
    """True when the first position of `thing` lies in the polygon `area`."""
    if area[0] != "Polygon":
        return False
    position = thing[1]
    while isinstance(position[0], list | tuple):
        position = position[0]
    outer, *holes = area[1]
    return _encloses(outer, position) and not any(_encloses(hole, position) for hole in holes)


def _encloses(ring: Any, position: Position) -> bool:
    """Winding of a ring around a position, on the sphere."""
    centre, east, north = _frame(position)
    bearings = []
    for corner in ring:
        vector = _vector(corner)
        bearings.append(atan2(_dot(vector, east), _dot(vector, north)))
    turned = sum((b - a + pi) % (2 * pi) - pi for a, b in pairwise(bearings))
    return abs(turned) > pi and any(_dot(_vector(corner), centre) > 0 for corner in ring)


def _frame(position: Position) -> tuple[Vector, Vector, Vector]:
    longitude, latitude = radians(position[0]), radians(position[1])
    east = (-sin(longitude), cos(longitude), 0.0)
    north = (-sin(latitude) * cos(longitude), -sin(latitude) * sin(longitude), cos(latitude))
    return _vector(position), east, north


def _sides(kind: str, coordinates: Any) -> Iterator[tuple[Position, Position]]:
    if kind == "Point":
        yield coordinates, coordinates
    else:
        for line in coordinates if kind == "Polygon" else [coordinates]:
            yield from pairwise(line)


def _sides_within(one: tuple[Position, Position], other: tuple[Position, Position], metres: float) -> bool:
    if _cross_over(one, other):
        return True
    candidates = [(point, _closest(side, point)) for side, points in ((one, other), (other, one)) for point in points]
    return any(_points_within(point, foot, metres) for point, foot in candidates)


def _closest(side: tuple[Position, Position], point: Position) -> Position:
    """The position on a great circle's arc that is nearest to `point` on the sphere."""
    start, end, target = _vector(side[0]), _vector(side[1]), _vector(point)
    normal = _cross(start, end)
    size = sqrt(_dot(normal, normal))
    if size > 1e-15:
        height = _dot(target, normal) / (size * size)
        foot = (target[0] - height * normal[0], target[1] - height * normal[1], target[2] - height * normal[2])
        if _dot(_cross(start, foot), normal) >= 0 and _dot(_cross(foot, end), normal) >= 0:
            return _position(foot)
    return side[0] if _dot(start, target) >= _dot(end, target) else side[1]


def _cross_over(one: tuple[Position, Position], other: tuple[Position, Position]) -> bool:
    """True when two arcs cross within both."""
    a, b, c, d = (_vector(position) for position in (*one, *other))
    first, second = _cross(a, b), _cross(c, d)
    sides = (_dot(first, c), _dot(first, d), _dot(second, a), _dot(second, b))
    if sides[0] * sides[1] >= 0 or sides[2] * sides[3] >= 0:
        return False  # at most touching: then an end lies on the other arc, which the distances tell
    meeting = _cross(first, second)
    middle = (a[0] + b[0] + c[0] + d[0], a[1] + b[1] + c[1] + d[1], a[2] + b[2] + c[2] + d[2])
    if _dot(meeting, middle) < 0:
        meeting = (-meeting[0], -meeting[1], -meeting[2])
    return all(
        _dot(_cross(start, meeting), normal) > 0 and _dot(_cross(meeting, end), normal) > 0
        for start, end, normal in ((a, b, first), (c, d, second))
    )


def _vector(position: Position) -> Vector:
    longitude, latitude = radians(position[0]), radians(position[1])
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _position(vector: Vector) -> Position:
    x, y, z = vector
    return atan2(y, x) * 180 / pi, atan2(z, sqrt(x * x + y * y)) * 180 / pi


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
