"""Payloads somebody has decoded already: a network server's codec, CLIP Viewer Lite, or our Cayenne reader.

Without `fields` in the device table, members are known by their usual names; the number of a channel behind the name
does not count, and of two the first does. Members nobody knows are passed over; a payload of only such is refused.
"""

import re
from collections.abc import Mapping
from typing import Any

from adapters.codecs.lpwa.fields import Field, of_members
from adapters.codecs.lpwa.uplink import Reading
from adapters.codecs.station import place
from adapters.contract import DecodeError

# quantity: factor, and the names its members go by (compared without case, `_` and `-`)
USUAL: tuple[tuple[str, float, str], ...] = (
    ("temperature", 1, "temperature temp tempc airtemperature ambienttemperature"),
    ("relative_humidity", 0.01, "humidity hum relativehumidity rh airhumidity"),
    ("atmospheric_pressure", 1, "barometricpressure atmosphericpressure airpressure barometer"),
    ("illuminance", 1, "illuminance luminosity lux light"),
    ("co2", 1, "co2 carbondioxide"),
    ("pm25", 1, "pm25"),
    ("wind_speed", 1, "windspeed"),
    ("wind_direction", 1, "winddirection"),
    ("snow_height", 1, "snowheight snowdepth snowdepthcm"),
    ("current_level", 1, "waterlevel waterlevelm"),
    ("battery_level", 0.01, "batterylevel batterypercent batterypercentage"),
    ("battery_voltage", 1, "batteryvoltage batv vbat voltage"),
    ("channel", 1, "chnumber"),
    ("trigger_1", 1, "trigger1"),
    ("trigger_2", 1, "trigger2"),
    ("acceleration_x", 1, "xacceleration"),
    ("acceleration_y", 1, "yacceleration"),
    ("acceleration_z", 1, "zacceleration"),
    ("gyro_pitch", 1, "pitchgyro"),
    ("gyro_roll", 1, "rollgyro"),
    ("gyro_yaw", 1, "yawgyro"),
    ("pressure", 1, "pressure"),
    ("distance", 1, "distance"),
    ("altitude", 1, "altitude"),
    ("digital_input", 1, "digitalinput digitalin"),
    ("digital_output", 1, "digitaloutput digitalout"),
    ("analog_input", 1, "analoginput analogin"),
    ("analog_output", 1, "analogoutput analogout"),
    ("presence", 1, "presence"),
)
NAMES = {name: Field(quantity, name, factor, 0.0) for quantity, factor, names in USUAL for name in names.split()}
TEXTS = {"voltageinfo": "voltage_info", "error": "error"}
_DEGREES_AND_MINUTES = re.compile(r"(\d{1,2})\s+(\d{1,2}(?:\.\d+)?)[\s,]+(\d{1,3})\s+(\d{1,2}(?:\.\d+)?)")
_CHANNEL = re.compile(r"_\d+$")


def read_decoded(fields: tuple[Field, ...], decoded: Mapping[str, Any]) -> Reading:
    """The reading in a decoded payload. Raises DecodeError when it holds nothing that is known."""
    quantities = of_members(fields, decoded) if fields else _usual(decoded)
    position = decoded if "latitude" in decoded or "lat" in decoded else _gps(decoded)
    location = None
    if position:
        location = place(position.get("latitude", position.get("lat")), position.get("longitude", position.get("lon")))
    texts = {
        TEXTS[name]: str(each) for key, each in decoded.items() if (name := _plain(key)) in TEXTS and each is not None
    }
    if not quantities and location is None and not texts and not position:
        raise DecodeError("decoded payload", sorted(decoded), "has no member that is known")
    return Reading(quantities, location, None, texts, loose=not fields)


def _usual(decoded: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in _flat(decoded):
        field = NAMES.get(_plain(key))
        if field is not None and value is not None and field.name not in found:
            found[field.name] = field.value(value)
    return found


def _flat(decoded: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The members, those of accelerometers and gyrometers under their axes."""
    flat: list[tuple[str, Any]] = []
    for key, value in decoded.items():
        name = _plain(key)
        if name == "accelerometer" and isinstance(value, dict):
            flat += [(f"{axis}acceleration", value.get(axis)) for axis in "xyz"]
        elif name == "gps" and isinstance(value, dict):
            flat.append(("altitude", value.get("altitude")))
        elif not isinstance(value, dict | list):
            flat.append((key, value))
    return flat


def _gps(decoded: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for key, each in decoded.items():
        if _plain(key) in ("gps", "location") and isinstance(each, dict):
            return each
        if _plain(key) == "gps" and isinstance(each, str) and each.strip():
            return _degrees_and_minutes(each)
    return None


def _degrees_and_minutes(text: str) -> Mapping[str, Any]:
    """`36 34.6800 136 38.8800`, as CLIP Viewer Lite writes a position. Raises DecodeError."""
    match = _DEGREES_AND_MINUTES.fullmatch(text.strip())
    if match is None or not (float(match[2]) < 60 and float(match[4]) < 60):
        raise DecodeError("gps", text, "is no degrees and decimal minutes")
    north, north_minutes, east, east_minutes = map(float, match.groups())
    return {"latitude": round(north + north_minutes / 60, 7), "longitude": round(east + east_minutes / 60, 7)}


def _plain(key: str) -> str:
    return _CHANNEL.sub("", key).replace("_", "").replace("-", "").replace(".", "").lower()
