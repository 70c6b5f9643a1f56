"""Distances on the ellipsoid, and the boxes that hold all that is near."""

from math import atan2, cos, degrees, hypot, radians, sin
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ngsi.geodesy import around, distance_within

longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 0.0, 136.6]))
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 0.0, 89.9, 36.5]))
positions = st.tuples(longitudes, latitudes).map(list)


def point(position: list[float]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": position}


def holds(box: tuple[float, float, float, float], position: list[float]) -> bool:
    west, south, east, north = box
    return west <= position[0] <= east and south <= position[1] <= north


@settings(max_examples=2000, deadline=None)
@given(positions, positions, st.floats(0.001, 1.01))
def test_what_is_near_a_point_is_in_the_box_around_it(origin: list[float], other: list[float], part: float) -> None:
    """Asked with just that distance, and a little more and less."""
    low, high = 0.0, 2.1e7
    while high - low > max(1e-3, high * 1e-7):
        middle = (low + high) / 2
        low, high = (low, middle) if distance_within(point(origin), point(other), middle) else (middle, high)
    metres = max(high * part, 0.1)
    if distance_within(point(origin), point(other), metres):
        assert holds(around(point(origin), metres), other)


sides = st.tuples(positions, st.floats(-60, 60), latitudes).map(
    lambda side: [side[0], [max(-180.0, min(180.0, side[0][0] + side[1])), side[2]]]
)


def between(line: list[list[float]], part: float) -> list[float]:
    """A position on the great circle from one end of `line` to the other."""
    ends = [(radians(longitude), radians(latitude)) for longitude, latitude in line]
    vectors = [(cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)) for lon, lat in ends]
    x, y, z = (a * (1 - part) + b * part for a, b in zip(*vectors, strict=True))
    return [degrees(atan2(y, x)), degrees(atan2(z, hypot(x, y)))]


@settings(max_examples=1000, deadline=None)
@given(sides, st.floats(0, 1), positions, st.sampled_from([1.0, 1000.0, 200_000.0, 3_000_000.0]))
def test_what_is_near_a_line_is_in_the_box_around_it(
    line: list[Any], part: float, other: list[float], metres: float
) -> None:
    shape = {"type": "LineString", "coordinates": line}
    for place in (between(line, part), other):
        if distance_within(shape, point(place), metres):
            assert holds(around(shape, metres), place)


def test_the_box_of_a_street_is_small() -> None:
    west, south, east, north = around(point([136.65, 36.56]), 1000)
    assert 0.009 < (north - south) / 2 < 0.0092
    assert 0.011 < (east - west) / 2 < 0.0115
    assert around(point([179.999, 36.56]), 1000)[0::2] == (-180.0, 180.0)
    assert around(point([10.0, 89.999]), 1000)[0::2] == (-180.0, 180.0)
