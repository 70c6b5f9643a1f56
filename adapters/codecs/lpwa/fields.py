"""The device table's own layouts: which bytes, or which members of a decoded payload, are which quantity.

current_level=u16@0*0.001 temperature=i16@2/10-40 battery_voltage=u8@4/10     layout bytes, big endian
current_level=u16le@0/1000                                                    little endian
snow_height=snowDepth temperature=sensors.0.temp precipitation=rain*0.5       layouts decoded and cayennelpp
"""

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from adapters.codecs.lpwa.uplink import QUANTITIES
from adapters.codecs.number import within
from adapters.contract import DecodeError

_FIELD = re.compile(r"(\w+)=([\w.@-]+?)(?:([*/])(\d+(?:\.\d+)?))?(?:([+-])(\d+(?:\.\d+)?))?")
_BYTES = re.compile(r"([uif])(8|16|24|32|64)(le)?@(\d+)")
_FLOATS = {32: "f", 64: "d"}


class Field(NamedTuple):
    """One quantity: where it stands, and value = raw * factor + offset."""

    name: str
    source: str
    factor: float
    offset: float

    def value(self, raw: Any) -> float:
        """The quantity in its unit. Raises DecodeError when `raw` is no number or not possible."""
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise DecodeError(self.source, raw, "is no number")
        return within(self.name, round(raw * self.factor + self.offset, 9), QUANTITIES[self.name])


def fields_of(text: str) -> tuple[Field, ...]:
    """The fields of a table's cell. Raises DecodeError naming the one that cannot be read."""
    return tuple(_field(part) for part in text.replace(";", " ").split())


def _field(part: str) -> Field:
    match = _FIELD.fullmatch(part)
    if match is None:
        raise DecodeError("fields", part, "is not of the form quantity=source*factor+offset")
    name, source, operation, factor, sign, offset = match.groups()
    if name not in QUANTITIES:
        raise DecodeError("fields", name, f"is none of {', '.join(QUANTITIES)}")
    times = float(factor or 1)
    if times == 0:
        raise DecodeError("fields", part, "counts nothing: its factor is 0")
    return Field(name, source, 1 / times if operation == "/" else times, float(f"{sign or ''}{offset or 0}"))


def of_bytes(fields: tuple[Field, ...]) -> Callable[[bytes], dict[str, float]]:
    """The reader of a byte layout. Raises DecodeError when a source names no bytes."""
    readers = [(field, _raw(field)) for field in fields]

    def read(payload: bytes) -> dict[str, float]:
        return {field.name: field.value(raw(payload)) for field, raw in readers}

    return read


def _raw(field: Field) -> Callable[[bytes], float]:
    match = _BYTES.fullmatch(field.source)
    if match is None or (match[1] == "f" and int(match[2]) not in _FLOATS):
        raise DecodeError("fields", field.source, "names no bytes such as u16@0, i8@2, f32le@4")
    kind, length, start = match[1], int(match[2]) // 8, int(match[4])

    def raw(payload: bytes) -> float:
        part = payload[start : start + length]
        if len(part) < length:
            raise DecodeError("payload", payload.hex(), f"ends before byte {start + length}, where {field.name} does")
        if kind == "f":
            return float(struct.unpack(("<" if match[3] else ">") + _FLOATS[length * 8], part)[0])
        return int.from_bytes(part, "little" if match[3] else "big", signed=kind == "i")

    return raw


def of_members(fields: tuple[Field, ...], decoded: Mapping[str, Any]) -> dict[str, float]:
    """The quantities of a decoded payload; a member that is not there (zeros may be left out) makes none."""
    found = ((field, _member(decoded, field.source)) for field in fields)
    return {field.name: field.value(raw) for field, raw in found if raw is not None}


def _member(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value
