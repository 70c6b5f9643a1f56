"""The 16 bytes of an ELTRES uplink (formats document a.2). All numbers are big endian.

No type byte is standard: the layout belongs to the customer, so the device table names one of `LAYOUTS`.

    clip       first byte is the type: 0x81 position, 0x82 temperature/humidity/CO2, 0x85 air pressure, 0x89 trigger
    sony_ascii 8 characters ddmm.mmm and 8 characters dddmm.mm; all '0' without a fix
    bitpacked  type 8 bits, latitude 25, longitude 26, altitude 14, user index 8
"""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from adapters.codecs.number import Range, within
from adapters.codecs.station import LATITUDE, LONGITUDE
from adapters.contract import DecodeError
from models import Point

LENGTH = 16

TEMPERATURE, HUMIDITY, CO2 = Range(-60, 80), Range(0, 100), Range(0, 50_000)
PRESSURE, TRIGGER, ALTITUDE = Range(500, 1100), Range(-1e9, 1e9), Range(-200, 4000)


class Reading(NamedTuple):
    """What one payload says: quantities under the names of the models' fields, in their units.

    `observed_at` is None when the payload carries no time, `location` None without a fix.
    """

    quantities: Mapping[str, float]
    location: Point | None = None
    observed_at: datetime | None = None


def decode_payload(layout: str, payload: bytes) -> Reading:
    """The reading in `payload`. Raises DecodeError when it has another length or does not follow the layout."""
    if len(payload) != LENGTH:
        raise DecodeError("payload", payload.hex(), f"has {len(payload)} bytes instead of {LENGTH}")
    return LAYOUTS[layout](payload)


def _clip(payload: bytes) -> Reading:
    decode = CLIP_TYPES.get(payload[0])
    if decode is None:
        raise DecodeError("payload type", f"0x{payload[0]:02x}", "is none of the CLIP types known")
    return decode(payload)


def _clip_position(payload: bytes) -> Reading:
    at = _epoch(payload)
    if payload[15] == 0:
        return Reading({}, None, at)
    digits = payload.hex()
    north = _degrees("latitude", digits[2:4], digits[4:6] + "." + digits[6:10])
    east = _degrees("longitude", digits[11:14], digits[14:16] + "." + digits[16:20])
    return Reading({}, _point(north, east), at)


def _clip_air(payload: bytes) -> Reading:
    temperature, humidity, co2 = struct.unpack_from(">fff", payload, 1)
    return Reading(
        {
            "temperature": _float("temperature", temperature, TEMPERATURE),
            "relative_humidity": round(_float("humidity", humidity, HUMIDITY) / 100, 6),
            "co2": _float("co2", co2, CO2),
        }
    )


def _clip_pressure(payload: bytes) -> Reading:
    # Only the first float is established; the rest (pressure, illuminance, distance) is unproven and left alone.
    (pressure,) = struct.unpack_from(">f", payload, 1)
    return Reading({"atmospheric_pressure": _float("air pressure", pressure, PRESSURE)})


def _clip_trigger(payload: bytes) -> Reading:
    first, second = struct.unpack_from(">ff", payload, 2)
    quantities = {
        "channel": payload[1],
        "trigger_1": _float("trigger1", first, TRIGGER),
        "trigger_2": _float("trigger2", second, TRIGGER),
    }
    return Reading(quantities, None, _epoch(payload))


def _sony_ascii(payload: bytes) -> Reading:
    if not payload.strip(b"0"):
        return Reading({})
    try:
        text = payload.decode("ascii")
    except UnicodeDecodeError:
        raise DecodeError("payload", payload.hex(), "is no ASCII position") from None
    return Reading({}, _point(_degrees("latitude", text[:2], text[2:8]), _degrees("longitude", text[8:11], text[11:])))


def _bitpacked(payload: bytes) -> Reading:
    bits = int.from_bytes(payload, "big")
    north, east, height = (bits >> 95) & 0x1FFFFFF, (bits >> 69) & 0x3FFFFFF, (bits >> 55) & 0x3FFF
    if north == 0 and east == 0:
        return Reading({})
    # Milliseconds of arc in steps of 32, counted from the south pole and the date line.
    point = _point((north * 32 - 3.24e8) / 3.6e6, (east * 32 - 6.48e8) / 3.6e6)
    return Reading({"altitude": within("altitude", height - 1000, ALTITUDE)}, point)


def _epoch(payload: bytes) -> datetime:
    (seconds,) = struct.unpack_from(">I", payload, 10)
    return datetime.fromtimestamp(seconds, UTC)


def _degrees(field: str, degrees: str, minutes: str) -> float:
    """Degrees and decimal minutes, both as digits, as degrees. Raises DecodeError for other characters."""
    whole, dot, fraction = minutes.partition(".")
    if not (degrees.isdecimal() and whole.isdecimal() and dot and fraction.isdecimal() and int(whole) < 60):
        raise DecodeError(field, f"{degrees} {minutes}", "is no degrees and decimal minutes")
    return int(degrees) + float(minutes) / 60


def _point(north: float, east: float) -> Point:
    within("latitude", north, LATITUDE)
    return Point(round(within("longitude", east, LONGITUDE), 7), round(north, 7))


def _float(field: str, value: float, allowed: Range) -> float:
    """A float32 with the digits it really has."""
    return float(f"{within(field, value, allowed):.7g}")


CLIP_TYPES: dict[int, Callable[[bytes], Reading]] = {
    0x81: _clip_position,
    0x82: _clip_air,
    0x85: _clip_pressure,
    0x89: _clip_trigger,
}

LAYOUTS: dict[str, Callable[[bytes], Reading]] = {"clip": _clip, "sony_ascii": _sony_ascii, "bitpacked": _bitpacked}
