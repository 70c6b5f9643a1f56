"""Low-power radio: no payload and no delivery breaks a decoder, and the device table says what is wrong with it."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.lpwa import cayenne
from adapters.codecs.lpwa.devices import TABLE, read_devices
from adapters.codecs.lpwa.eltres import LAYOUTS, sixteen
from adapters.codecs.lpwa.fields import fields_of, of_bytes, of_members
from adapters.contract import Decode, DecodeError, Message
from tests.adapters.cases import adapter_of

HEADER = "terminalId,type,code,name,latitude,longitude,layout\n"


def decoder(name: str) -> Decode:
    adapter = adapter_of(name)
    return adapter.decoder(adapter.settings(), str)


DECODERS = {name: decoder(name) for name in ("eltres", "lorawan", "sigfox")}


def nested(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    names = st.sampled_from(["deviceId", "payload", "time", "end_device_ids", "uplink_message", "deviceInfo", "object"])
    return st.lists(children, max_size=3) | st.dictionaries(names | st.text(max_size=3), children, max_size=4)


@given(st.binary(min_size=16, max_size=16), st.sampled_from(sorted(LAYOUTS)))
def test_any_payload_is_read_or_refused(payload: bytes, layout: str) -> None:
    try:
        reading = LAYOUTS[layout](payload)
    except DecodeError:
        return
    assert reading.location is None or 20 <= reading.location.latitude <= 46


@pytest.mark.parametrize("size", [0, 1, 15, 17, 32])
def test_another_length_is_refused(size: int) -> None:
    with pytest.raises(DecodeError, match=f"has {size} bytes"):
        sixteen(bytes(size))


@given(st.binary(max_size=80))
def test_any_message_is_read_or_refused(body: bytes) -> None:
    for name, topic in (("eltres", "eltres/0001234ABC"), ("lorawan", "x/event/up"), ("sigfox", "sigfox")):
        with suppress(DecodeError):
            list(DECODERS[name](Message(body, datetime(2026, 6, 20, tzinfo=UTC), topic)))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), nested), st.sampled_from(sorted(DECODERS)))
def test_any_json_is_read_or_refused(value: object, name: str) -> None:
    for body in (value, {"end_device_ids": {"dev_eui": "0004A30B001C0530"}, "uplink_message": value}):
        with suppress(DecodeError):
            list(DECODERS[name](Message(orjson.dumps(body), datetime(2026, 6, 20, tzinfo=UTC), "x")))


@given(st.binary(max_size=40))
def test_any_cayenne_payload_is_read_or_refused(payload: bytes) -> None:
    with suppress(DecodeError):
        cayenne.members(payload)


def test_cayenne_as_its_documentation_shows_it() -> None:
    assert cayenne.members(bytes.fromhex("03670110056700FF")) == {"temperature_3": 27.2, "temperature_5": 25.5}
    assert cayenne.members(bytes.fromhex("06 71 04D2 FB2E 0000".replace(" ", "")))["accelerometer_6"]["y"] == -1.234
    assert cayenne.members(bytes.fromhex("018806765FF2960A0003E8")) == {
        "gps_1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0}
    }


def test_the_tables_own_layouts() -> None:
    fields = fields_of("current_level=i16@1*0.001 temperature=u8@0/2-40; distance=f32le@3 flow=u16le@1")
    assert of_bytes(fields)(bytes.fromhex("50fea20000c03f")) == {
        "current_level": -0.35,
        "temperature": 0.0,
        "distance": 1.5,
        "flow": 41726.0,
    }
    members = {"a": {"b": [{"c": 12}]}, "x.y": 3}
    assert of_members(fields_of("snow_height=a.b.0.c temperature=x.y current_level=gone"), members) == {
        "snow_height": 12.0,
        "temperature": 3.0,
    }
    with pytest.raises(DecodeError, match="ends before byte 3"):
        of_bytes(fields)(b"\x50\xfe")


@pytest.mark.parametrize("text", ["snow=u8@0", "snow_height", "snow_height=u8@0*0", "snow_height=u8@0*x"])
def test_a_field_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="fields"):
        fields_of(text)


@pytest.mark.parametrize("source", ["u7@0", "f16@0", "depth", "u8@"])
def test_bytes_that_cannot_be_found_are_refused(source: str) -> None:
    with pytest.raises(DecodeError, match="names no bytes"):
        of_bytes(fields_of(f"snow_height={source}"))


def test_the_table_of_the_demo_can_be_read() -> None:
    assert {terminal.type for terminal in read_devices(TABLE).values()} >= {"FloodMonitoring", "Vehicle", "Device"}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("A,Nothing,,,,,clip", "type"),
        ("A,Device,,,,,morse", "layout"),
        ("A,Device,,,136,36,clip", "latitude"),
        ("A,Device,,,,,bytes", "fields"),
        ("A,Device,,,,,clip\na,Device,,,,,clip", "twice"),
    ],
)
def test_a_bad_device_table_names_the_mistake(tmp_path: Path, row: str, complaint: str) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(HEADER + row + "\n")
    with pytest.raises(ValueError, match=complaint):
        read_devices(path)
