"""AMeDAS JSON to WeatherObserved (formats document b.3).

    map    {station: {element: [value, flag]}}    one instant, which stands in the name: YYYYMMDDhhmmss
    point  {YYYYMMDDhhmmss: {element: ...}}       one station, whose number stands in the name

Times are Japanese and end their interval. Only flag 0 is good data; any other (partial, missing, not observed) makes no
attribute. An element in neither table below (a maximum, a gust, the weather code) is passed over.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from adapters.amedas.warnings import is_warnings, warnings
from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.documents import parsed_object
from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range, within
from adapters.codecs.station import Station
from adapters.contract import Decode, DecodeError, Message
from models import Model, WeatherObserved, urn

# field of the model: element, and what an instrument can report
ELEMENTS: dict[str, tuple[str, Quantity]] = {
    "temperature": ("temp", Quantity(Range(-60, 60))),
    "relative_humidity": ("humidity", Quantity(Range(0, 100), 100)),
    "atmospheric_pressure": ("pressure", Quantity(Range(500, 1100))),
    "wind_speed": ("wind", Quantity(Range(0, 120))),
    "visibility": ("visibility", Quantity(Range(0, 200_000))),
    "snow_height": ("snow", Quantity(Range(0, 2000))),
    "sunshine": ("sun10m", Quantity(Range(0, 10))),
    "sunshine_1h": ("sun1h", Quantity(Range(0, 1))),
    "precipitation": ("precipitation10m", Quantity(Range(0, 100))),
    "precipitation_1h": ("precipitation1h", Quantity(Range(0, 300))),
    "precipitation_3h": ("precipitation3h", Quantity(Range(0, 600))),
    "precipitation_24h": ("precipitation24h", Quantity(Range(0, 2000))),
}
QUANTITIES = {field: quantity for field, (_, quantity) in ELEMENTS.items()}
POINTS = Range(0, 16)  # 0 calm, then clockwise from NNE to N
GOOD = 0
_INSTANT = re.compile(r"(?<!\d)(\d{12})(?:\d\d)?(?!\d)")
_NUMBER = re.compile(r"(?<!\d)(\d{5})(?!\d)")


def decoder(
    source: str, stations: Mapping[str, Station], areas: tuple[str, ...], warning_areas: tuple[str, ...] = ()
) -> Decode:
    """The decoder for these stations; one of our areas that is not in the table is reported."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        page = parsed_object(message.body)
        if is_warnings(page):
            yield from warnings(page, message, warning_areas)
            return
        for code, at, elements in _observations(page, message):
            if not code.startswith(areas):
                continue
            try:
                if code not in stations:
                    raise DecodeError("station", code, "is not in the station table")
                yield from _observed(source, stations[code], plausible("time", at, message.received_at), elements)
            except DecodeError as error:
                yield error.of_row(orjson.dumps({code: elements}))

    return decode


def _observations(page: Mapping[str, Any], message: Message) -> Iterator[tuple[str, datetime, Any]]:
    """Station, instant and elements, of either document. Raises DecodeError when it is none."""
    if any(len(key) >= 12 for key in page):
        number = _NUMBER.search(message.topic)
        if number is None:
            raise DecodeError("file name", message.topic, "holds no station number of five digits")
        for key, elements in page.items():
            yield number[1], local("time", key), elements
        return
    named = _INSTANT.search(message.topic)
    if named is None:
        raise DecodeError("file name", message.topic, "holds no YYYYMMDDhhmmss")
    at = local("file name", named[1])
    for code, elements in page.items():
        yield code, at, elements


def _observed(source: str, station: Station, at: datetime, elements: Any) -> Iterator[Model | DecodeError]:
    if not isinstance(elements, dict):
        raise DecodeError("elements", elements, "is no JSON object")
    if elements and not any(isinstance(pair, list) and len(pair) == 2 for pair in elements.values()):
        raise DecodeError("elements", sorted(elements), "holds no [value, flag]")
    cells = Cells()
    told = {field: str(value) for field, (name, _) in ELEMENTS.items() if (value := _good(elements, name)) is not None}
    values = cells.quantities(told, QUANTITIES)
    direction = cells.attempt(lambda: _direction(_good(elements, "windDirection")))
    if values or direction is not None:
        yield WeatherObserved(
            id=urn("WeatherObserved", source, station.code),
            observed_at=at,
            name=station.name or None,
            location=station.location,
            station_code=station.code,
            wind_direction=direction,
            **values,
        )
    for error in cells.errors:
        yield error.of_row(orjson.dumps({station.code: elements}))


def _good(elements: Mapping[str, Any], name: str) -> Any:
    pair = elements.get(name)
    return pair[0] if isinstance(pair, list) and len(pair) == 2 and pair[1] == GOOD else None


def _direction(point: Any) -> float | None:
    """Degrees from 0 to 360 as WeatherObserved has them; None when calm."""
    if point is None or point == 0:
        return None
    if not isinstance(point, int):
        raise DecodeError("windDirection", point, "is none of the sixteen points")
    return within("windDirection", point, POINTS) * 22.5 % 360
