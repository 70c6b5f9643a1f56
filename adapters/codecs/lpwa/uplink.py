"""One uplink, whatever network brought it, and what its payload says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from adapters.codecs.number import Range
from models import Point

# What a payload may hold, under the names of the models' fields and in their units, and what is possible of it.
QUANTITIES: dict[str, Range] = {
    "temperature": Range(-60, 80),
    "relative_humidity": Range(0, 1),
    "atmospheric_pressure": Range(500, 1100),
    "illuminance": Range(0, 200_000),
    "co2": Range(0, 50_000),
    "pm25": Range(-50, 2000),
    "wind_speed": Range(0, 120),
    "wind_direction": Range(0, 360),
    "precipitation": Range(0, 100),
    "precipitation_1h": Range(0, 300),
    "precipitation_cumulative": Range(0, 5000),
    "snow_height": Range(0, 2000),
    "current_level": Range(-100, 2000),
    "flow": Range(0, 50_000),
    "people_count": Range(0, 100_000),
    "speed": Range(0, 200),
    "heading": Range(0, 360),
    "altitude": Range(-200, 4000),
    "battery_level": Range(0, 1),
    "battery_voltage": Range(0, 60),
    "snow_melting": Range(0, 2),
    "channel": Range(0, 255),
    "trigger_1": Range(-1e9, 1e9),
    "trigger_2": Range(-1e9, 1e9),
    "acceleration_x": Range(-1e6, 1e6),
    "acceleration_y": Range(-1e6, 1e6),
    "acceleration_z": Range(-1e6, 1e6),
    "gyro_pitch": Range(-1e6, 1e6),
    "gyro_roll": Range(-1e6, 1e6),
    "gyro_yaw": Range(-1e6, 1e6),
    "pressure": Range(-1e9, 1e9),
    "distance": Range(-1e9, 1e9),
    "digital_input": Range(0, 255),
    "digital_output": Range(0, 255),
    "analog_input": Range(-1e6, 1e6),
    "analog_output": Range(-1e6, 1e6),
    "presence": Range(0, 255),
}
WHOLE = {"channel", "people_count"}


class Reading(NamedTuple):
    """What one payload says: quantities of `QUANTITIES`, texts for the device.

    `observed_at` is None when the payload carries no time, `location` None without a fix. `loose` says that nobody
    has chosen the quantities: those the observed type has no place for are passed over.
    """

    quantities: Mapping[str, float]
    location: Point | None = None
    observed_at: datetime | None = None
    texts: Mapping[str, str] = {}
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """One frame as it was delivered.

    `terminals` are the names it may have in the device table (upper case), the likeliest first. `decoded` is what the
    network made of the payload, `sent_at` None when the delivery names no time, `about` what the network says of the
    radio, under the fields of Device. `delivery` is the frame as a delivery of its own.
    """

    terminals: tuple[str, ...]
    payload: bytes = b""
    sent_at: datetime | None = None
    decoded: Mapping[str, Any] | None = None
    location: Point | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    delivery: bytes = b""
