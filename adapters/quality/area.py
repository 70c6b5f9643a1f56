"""Whether a place lies in a city: a GeoJSON polygon, read once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

Ring = list[tuple[float, float]]


class Area:
    """The polygons of a GeoJSON document: a geometry, a Feature or a FeatureCollection.

    Raises ValueError for what holds no polygon, OSError without the file.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._polygons = list(_polygons(orjson.loads(path.read_bytes())))
        except (orjson.JSONDecodeError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{path.name}: is no GeoJSON: {error}") from error
        if not self._polygons:
            raise ValueError(f"{path.name}: holds no Polygon or MultiPolygon")

    def holds(self, longitude: float, latitude: float) -> bool:
        return any(
            _inside(rings[0], longitude, latitude) and not any(_inside(hole, longitude, latitude) for hole in rings[1:])
            for rings in self._polygons
        )


def _polygons(document: dict[str, Any]) -> Iterator[list[Ring]]:
    match document["type"]:
        case "FeatureCollection":
            for feature in document["features"]:
                yield from _polygons(feature)
        case "Feature":
            yield from _polygons(document["geometry"])
        case "Polygon":
            yield _rings(document["coordinates"])
        case "MultiPolygon":
            yield from map(_rings, document["coordinates"])


def _rings(coordinates: Any) -> list[Ring]:
    return [[(float(position[0]), float(position[1])) for position in ring] for ring in coordinates]


def _inside(ring: Ring, x: float, y: float) -> bool:
    """Whether a ray to the east crosses the ring an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
