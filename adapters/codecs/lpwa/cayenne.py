"""Cayenne LPP, as in github.com/myDevicesIoT/cayenne-docs: channel, type, data; and again. Big endian."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from adapters.contract import DecodeError


class Kind(NamedTuple):
    """A type of data: its name, and of each value the bytes, what one counts, and whether it may be negative."""

    name: str
    sizes: tuple[int, ...]
    counts: tuple[float, ...]
    signed: bool = False


KINDS = {
    0: Kind("digital_input", (1,), (1,)),
    1: Kind("digital_output", (1,), (1,)),
    2: Kind("analog_input", (2,), (100,), True),
    3: Kind("analog_output", (2,), (100,), True),
    100: Kind("generic", (4,), (1,)),
    101: Kind("luminosity", (2,), (1,)),
    102: Kind("presence", (1,), (1,)),
    103: Kind("temperature", (2,), (10,), True),
    104: Kind("relative_humidity", (1,), (2,)),
    113: Kind("accelerometer", (2, 2, 2), (1000, 1000, 1000), True),
    115: Kind("barometric_pressure", (2,), (10,)),
    116: Kind("voltage", (2,), (100,)),
    117: Kind("current", (2,), (1000,)),
    118: Kind("frequency", (4,), (1,)),
    120: Kind("percentage", (1,), (1,)),
    121: Kind("altitude", (2,), (1,), True),
    125: Kind("concentration", (2,), (1,)),
    128: Kind("power", (2,), (1,)),
    130: Kind("distance", (4,), (1000,)),
    131: Kind("energy", (4,), (1000,)),
    132: Kind("direction", (2,), (1,)),
    133: Kind("unixtime", (4,), (1,)),
    134: Kind("gyrometer", (2, 2, 2), (100, 100, 100), True),
    136: Kind("gps", (3, 3, 3), (10_000, 10_000, 100), True),
    142: Kind("switch", (1,), (1,)),
}
AXES = {"accelerometer": ("x", "y", "z"), "gyrometer": ("x", "y", "z"), "gps": ("latitude", "longitude", "altitude")}


def members(payload: bytes) -> dict[str, Any]:
    """`{"temperature_1": 27.2, "gps_3": {"latitude": ...}}`, the number being the channel. Raises DecodeError."""
    return dict(_members(payload))


def _members(payload: bytes) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(payload):
        if at + 2 > len(payload):
            raise DecodeError("payload", payload.hex(), f"ends inside the header at byte {at}")
        channel, kind = payload[at], KINDS.get(payload[at + 1])
        if kind is None:
            raise DecodeError("payload type", f"0x{payload[at + 1]:02x}", f"at byte {at + 1} is none of Cayenne LPP")
        at += 2
        if at + sum(kind.sizes) > len(payload):
            raise DecodeError("payload", payload.hex(), f"ends inside {kind.name} of channel {channel}")
        values = []
        for size, count in zip(kind.sizes, kind.counts, strict=True):
            values.append(int.from_bytes(payload[at : at + size], "big", signed=kind.signed) / count)
            at += size
        named = dict(zip(AXES[kind.name], values, strict=True)) if kind.name in AXES else values[0]
        yield f"{kind.name}_{channel}", named
