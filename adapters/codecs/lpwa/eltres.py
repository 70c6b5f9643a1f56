"""The 16 bytes of an ELTRES uplink (formats document a.2). All numbers are big endian.

No type byte is standard: the layout belongs to the customer, so the device table names it.

    clip       first byte is the type: 0x81 position, 0x82 temperature/humidity/CO2, 0x85 air pressure, 0x89 trigger
    sony_ascii 8 characters ddmm.mmm and 8 characters dddmm.mm; all '0' without a fix
    bitpacked  type 8 bits, latitude 25, longitude 26, altitude 14, user index 8
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime

from adapters.codecs.jst import EARLIEST
from adapters.codecs.lpwa.uplink import QUANTITIES, Reading
from adapters.codecs.number import Range, within
from adapters.codecs.station import LATITUDE, LONGITUDE
from adapters.contract import DecodeError
from models import Point

LENGTH = 16

HUMIDITY = Range(0, 100)


def sixteen(payload: bytes) -> None:
    """Raises DecodeError for another length."""
    if len(payload) != LENGTH:
        raise DecodeError("payload", payload.hex(), f"has {len(payload)} bytes instead of {LENGTH}")


def _clip(payload: bytes) -> Reading:
    decode = CLIP_TYPES.get(payload[0])
    if decode is None:
        raise DecodeError("payload type", f"0x{payload[0]:02x}", "is none of the CLIP types known")
    return decode(payload)


def _clip_position(payload: bytes) -> Reading:
    at = _epoch(payload)
    if payload[15] == 0 or not any(payload[1:10]):
        # Without a fix there may have been no time either.
        return Reading({}, None, at if at >= EARLIEST else None)
    digits = payload.hex()
    north = _degrees("latitude", digits[2:4], digits[4:6] + "." + digits[6:10])
    east = _degrees("longitude", digits[11:14], digits[14:16] + "." + digits[16:20])
    return Reading({}, _point(north, east), at)


def _clip_air(payload: bytes) -> Reading:
    temperature, humidity, co2 = struct.unpack_from(">fff", payload, 1)
    return Reading(
        {
            "temperature": _float("temperature", temperature, QUANTITIES["temperature"]),
            "relative_humidity": round(_float("humidity", humidity, HUMIDITY) / 100, 6),
            "co2": _float("co2", co2, QUANTITIES["co2"]),
        }
    )


def _clip_pressure(payload: bytes) -> Reading:
    # Only the first float is established; the rest (pressure, illuminance, distance) is unproven and left alone.
    (pressure,) = struct.unpack_from(">f", payload, 1)
    return Reading({"atmospheric_pressure": _float("air pressure", pressure, QUANTITIES["atmospheric_pressure"])})


def _clip_trigger(payload: bytes) -> Reading:
    first, second = struct.unpack_from(">ff", payload, 2)
    quantities = {
        "channel": payload[1],
        "trigger_1": _float("trigger1", first, QUANTITIES["trigger_1"]),
        "trigger_2": _float("trigger2", second, QUANTITIES["trigger_2"]),
    }
    return Reading(quantities, None, _epoch(payload))


def _sony_ascii(payload: bytes) -> Reading:
    if not payload.strip(b"0\0"):
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
    return Reading({"altitude": within("altitude", height - 1000, QUANTITIES["altitude"])}, point)


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

HALF_KNOWN = {0x85}  # of which only some bytes are established

LAYOUTS: dict[str, Callable[[bytes], Reading]] = {"clip": _clip, "sony_ascii": _sony_ascii, "bitpacked": _bitpacked}
