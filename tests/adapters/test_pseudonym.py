"""Pseudonyms: stable for a day, gone with it, and nothing personal in what leaves the process."""

import re
from datetime import date
from pathlib import Path

import pytest

from adapters.contract import Message, Restricted
from adapters.privacy.guard import Privacy
from adapters.pseudonym import DayKey
from adapters.registry import load
from tests.adapters.cases import HOUSE, RECEIVED_AT

MAC = "02:00:00:ff:ff:01"
MONDAY, TUESDAY = date(2026, 6, 15), date(2026, 6, 16)


def key(tmp_path: Path, day: date = MONDAY) -> DayKey:
    return DayKey(tmp_path / "pseudonym.key", lambda: day)


def test_a_day_has_one_pseudonym_even_after_a_restart(tmp_path: Path) -> None:
    assert key(tmp_path).pseudonym("wifi", MAC) == key(tmp_path).pseudonym("wifi", MAC)


def test_another_device_source_or_day_has_another(tmp_path: Path) -> None:
    found = {
        key(tmp_path).pseudonym("wifi", MAC),
        key(tmp_path).pseudonym("wifi", MAC[:-1] + "2"),
        key(tmp_path).pseudonym("bikes", MAC),
        key(tmp_path, TUESDAY).pseudonym("wifi", MAC),
    }
    assert len(found) == 4
    assert all(re.fullmatch("p-[0-9a-f]{16}", each) for each in found)


def test_rotation_destroys_the_key(tmp_path: Path) -> None:
    monday = key(tmp_path).pseudonym("wifi", MAC)
    old = (tmp_path / "pseudonym.key").read_bytes()
    key(tmp_path, TUESDAY).pseudonym("wifi", MAC)
    new = (tmp_path / "pseudonym.key").read_bytes()
    assert old[10:] not in new
    assert list(tmp_path.iterdir()) == [tmp_path / "pseudonym.key"]
    assert key(tmp_path, MONDAY).pseudonym("wifi", MAC) != monday  # nobody can make it again


def test_a_running_process_rotates_at_midnight(tmp_path: Path) -> None:
    days = [MONDAY]
    running = DayKey(tmp_path / "pseudonym.key", lambda: days[-1])
    before = running.pseudonym("wifi", MAC)
    days.append(TUESDAY)
    assert running.pseudonym("wifi", MAC) != before


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    (tmp_path / "pseudonym.key").touch(mode=0o666)
    key(tmp_path).pseudonym("wifi", MAC)
    assert (tmp_path / "pseudonym.key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "pseudonym.key").write_bytes(MONDAY.isoformat().encode() + b"short")
    assert key(tmp_path).pseudonym("wifi", MAC) == key(tmp_path).pseudonym("wifi", MAC)


# every personal source, an example of it, and how its identifiers look
PERSONAL = [
    ("wifi", "packet_sensing", rb"[0-9a-f]{64}"),
    ("wifi", "association", rb"[0-9a-f]{16}"),
    ("wifi", "hostile_rows", rb"(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}"),
    ("wifi", "radius_detail", rb"(?i)(?:[0-9a-f]{2}-){5}[0-9a-f]{2}"),
    ("wifi", "radius_rest", rb"(?i)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}"),
    ("wifi", "meraki_v2", rb"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"),
    ("wifi", "meraki_v3", rb"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"),
    ("bike_gps", "vehicle_export", rb"KNZ\d{4}"),
    ("bike_gps", "hostile_rows", rb"KNZ\d{4}"),
]


@pytest.mark.parametrize(("name", "case", "identifier"), PERSONAL)
def test_no_identifier_stands_in_an_entity(tmp_path: Path, name: str, case: str, identifier: bytes) -> None:
    (path,) = (HOUSE / name / "examples" / case).glob("input.*")
    body = path.read_bytes()
    identifiers = {match.decode() for match in re.findall(identifier, body)}
    assert identifiers
    adapter, keys = load(name), key(tmp_path)
    decode = adapter.decoder(adapter.settings(), Privacy(lambda text: keys.pseudonym(name, text)))
    items = [item for item in decode(Message(body, RECEIVED_AT)) if not isinstance(item, Exception)]
    told = str([item.model.to_ngsi() if isinstance(item, Restricted) else item.to_ngsi() for item in items])
    assert adapter.personal
    assert not [each for each in identifiers if each.lower() in told.lower()]


def test_wifi_tells_counts_and_no_pseudonym(tmp_path: Path) -> None:
    body = (HOUSE / "wifi/examples/packet_sensing/input.csv").read_bytes()
    adapter, keys = load("wifi"), key(tmp_path)
    decode = adapter.decoder(adapter.settings(), Privacy(lambda text: keys.pseudonym("wifi", text)))
    told = [item.to_ngsi() for item in decode(Message(body, RECEIVED_AT))]
    assert {entity["id"] for entity in told} == {"urn:ngsi-ld:CrowdFlowObserved:wifi:24"}
    assert "p-" not in str(told)
