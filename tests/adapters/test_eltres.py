"""ELTRES payloads: no 16 bytes break the decoder, and the device table says what is wrong with it."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import DecodeError, Message
from adapters.eltres.devices import read_devices
from adapters.eltres.payload import LAYOUTS, decode_payload
from adapters.registry import load

HEADER = "terminalId,type,code,name,latitude,longitude,layout\n"


@given(st.binary(min_size=16, max_size=16), st.sampled_from(sorted(LAYOUTS)))
def test_any_payload_is_read_or_refused(payload: bytes, layout: str) -> None:
    try:
        reading = decode_payload(layout, payload)
    except DecodeError:
        return
    assert reading.location is None or 20 <= reading.location.latitude <= 46


@pytest.mark.parametrize("size", [0, 1, 15, 17, 32])
def test_another_length_is_refused(size: int) -> None:
    with pytest.raises(DecodeError, match=f"has {size} bytes"):
        decode_payload("clip", bytes(size))


@given(st.binary(max_size=80))
def test_any_message_is_read_or_refused(body: bytes) -> None:
    adapter = load("eltres")
    decode = adapter.decoder(adapter.settings(), str)
    with suppress(DecodeError):
        list(decode(Message(body, datetime(2026, 6, 20, tzinfo=UTC), "eltres/0001234ABC")))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("A,Nothing,,,,,clip", "type"),
        ("A,Device,,,,,morse", "layout"),
        ("A,Device,,,136,36,clip", "latitude"),
        ("A,Device,,,,,clip\na,Device,,,,,clip", "twice"),
    ],
)
def test_a_bad_device_table_names_the_mistake(tmp_path: Path, row: str, complaint: str) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(HEADER + row + "\n")
    with pytest.raises(ValueError, match=complaint):
        read_devices(path)
