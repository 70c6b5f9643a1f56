"""Uplinks as JSON whose member names are the operator's or the customer's choice: one mapping reads them all.

The official push of ELTRES is not public and Sigfox bodies are templates, so the names are settings. A name may be a
path (`data.payload`); of several, the first that is there counts.
"""

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson
from pydantic import Field

from adapters.codecs.documents import parsed
from adapters.codecs.instants import moment
from adapters.codecs.lpwa.uplink import Uplink
from adapters.codecs.number import Range, number
from adapters.codecs.station import place
from adapters.contract import DecodeError, SourceSettings

_FORM = re.compile(rb"\s*[A-Za-z][\w.]*=[^{\[]*(?:&|$)")
# what a delivery says of the radio: field of Device, and the members that say it
ABOUT = {"rssi": ("rssi", "RSSI"), "snr": ("snr", "SNR", "avgSnr")}


class PushNames(SourceSettings):
    """Where in a pushed object what is found; `items` leads to the list of them, when there is one."""

    device: tuple[str, ...] = ("deviceId", "device_id", "device", "terminalId", "lfourId")
    time: tuple[str, ...] = ("sendDateTime", "time", "timestamp", "receivedAt")
    payload: tuple[str, ...] = ("payload", "data", "payload_hex")
    items: tuple[str, ...] = ("payload", "items", "uplinks", "data")
    location: tuple[str, ...] = ("computedLocation", "location")
    encoding: Literal["hex", "base64"] = "hex"
    utc_offset: float = Field(default=9, ge=-12, le=14)

    @property
    def zone(self) -> timezone:
        return timezone(timedelta(hours=self.utc_offset))


def pushed(body: bytes, names: PushNames) -> Iterator[Uplink | DecodeError]:
    """The uplinks of a delivery: one object, a list, or an object with a list. Raises DecodeError when no JSON."""
    for each in _objects(body, names):
        try:
            yield _uplink(each, names)
        except DecodeError as error:
            yield error.of_row(orjson.dumps(each))


def payload_of(text: str, encoding: str = "hex") -> bytes:
    """Raises DecodeError."""
    try:
        return b64decode(text, validate=True) if encoding == "base64" else bytes.fromhex(text.removeprefix("0x"))
    except (NoBase64, ValueError):
        raise DecodeError("payload", text, f"is no {encoding}") from None


def at_path(value: Any, paths: Sequence[str]) -> Any:
    """The first of the paths that leads to something."""
    for path in paths:
        found = value
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            return found
    return None


def _objects(body: bytes, names: PushNames) -> list[Any]:
    value = _form(body) if _FORM.match(body) else _json(body)
    if isinstance(value, dict) and "result" in value and value["result"] != "success":
        raise DecodeError("result", value["result"], "is not success")  # CLIP answers so when a token has expired
    if isinstance(value, dict):
        value = next((each for path in names.items if isinstance(each := at_path(value, (path,)), list)), value)
    return value if isinstance(value, list) else [value]


def _json(body: bytes) -> Any:
    try:
        return parsed(body)
    except DecodeError:
        raise DecodeError("message", body[:40], "is neither a bare frame nor JSON") from None


def _form(body: bytes) -> dict[str, str]:
    """The other body a Sigfox callback may be declared to have: `device=...&data=...`."""
    return dict(parse_qsl(body.decode("utf-8", errors="replace").strip(), keep_blank_values=True))


def _uplink(value: Any, names: PushNames) -> Uplink:
    if not isinstance(value, dict):
        raise DecodeError("uplink", value, "is no JSON object")
    terminal, payload = at_path(value, names.device), at_path(value, names.payload)
    terminal = str(terminal) if isinstance(terminal, int) and not isinstance(terminal, bool) else terminal
    if not isinstance(terminal, str) or not terminal.strip():
        raise DecodeError("uplink", value, f"names no terminal: none of {', '.join(names.device)} is a text")
    location = at_path(value, names.location)
    location = location if isinstance(location, dict) else {}
    if payload is None and not location:
        raise DecodeError("uplink", value, f"holds no payload: none of {', '.join(names.payload)} is there")
    if payload is not None and not isinstance(payload, str):
        raise DecodeError("payload", payload, "is no text")
    time = at_path(value, names.time)
    return Uplink(
        terminals=(terminal.strip().upper(),),
        payload=payload_of(payload, names.encoding) if payload else b"",
        sent_at=None if time is None else _moment(time, names.zone),
        decoded={name: each for name, each in value.items() if each is not None} if "payloadType" in value else None,
        location=place(_degrees(location, "lat", "latitude"), _degrees(location, "lng", "lon", "longitude")),
        about=_about(value),
        delivery=orjson.dumps(value),
    )


def _degrees(location: dict[str, Any], *names: str) -> Any:
    """The first of these members; a template may have put its number between quotes."""
    told = at_path(location, names)
    if not isinstance(told, str):
        return told
    return number("location", told, Range(-180, 180))


def _moment(time: Any, zone: timezone) -> datetime:
    return moment("time", time, zone)


def _about(value: dict[str, Any]) -> dict[str, float]:
    """Signal strength and the like; Sigfox writes numbers as text."""
    found: dict[str, float] = {}
    for name, members in ABOUT.items():
        told = at_path(value, members)
        try:
            if told not in (None, "") and not isinstance(told, bool):
                found[name] = float(told)
        except (TypeError, ValueError):
            raise DecodeError(name, told, "is no number") from None
    return found
