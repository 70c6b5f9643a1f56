"""Entities to measure with."""

import orjson

TYPES = ("AirQualityObserved", "WeatherObserved", "BikeHireDockingStation", "Vehicle", "Device")
UPSERT = "/ngsi-ld/v1/entityOperations/upsert?options=update"


def station(number: int, turn: int = 0, readings: int = 8) -> dict[str, object]:
    """Entity `number` of mixed types around Kanazawa, with `readings` and two other attributes.

    A new `turn` changes every reading.
    """
    at = f"2026-06-{turn // 1440 % 28 + 1:02}T{turn // 60 % 24:02}:{turn % 60:02}:00Z"
    place = [136.5 + number % 317 / 1000, 36.4 + number % 331 / 1000]
    observed = {
        f"a{i}": {"type": "Property", "value": (number * 7 + i + turn) % 1000 / 10, "unitCode": "GQ", "observedAt": at}
        for i in range(readings)
    }
    kind = TYPES[number % len(TYPES)]
    location = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}}
    number_of = {"type": "Property", "value": number}
    return {"id": f"urn:ngsi-ld:{kind}:{number}", "type": kind, "number": number_of, "location": location, **observed}


def entity_id(number: int) -> str:
    return f"urn:ngsi-ld:{TYPES[number % len(TYPES)]}:{number}"


def batch(first: int, size: int = 100, turn: int = 0) -> bytes:
    """A batch of `size` entities from number `first`."""
    return orjson.dumps([station(number, turn) for number in range(first, first + size)])
