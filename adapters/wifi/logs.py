"""The logs Wi-Fi equipment keeps (formats document e.1), each as sightings of a device near an access point.

    table    packet sensing, association sessions, and the same as a JSON list a controller pushes
    RADIUS   accounting: the `detail` text, JSON objects (rlm_rest or plain), or a table of its attributes
    Meraki   Scanning API, versions 2 and 3
    syslog   associations of hostapd, Cisco and Aruba (`syslog.py`)

What comes out still names devices: it must not leave the decoder.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import orjson

from adapters.codecs.instants import moment
from adapters.codecs.table import Row, rows, text_of, unit_of
from adapters.contract import DecodeError
from adapters.wifi.syslog import MONTHS, is_syslog, stays

COLUMNS = {
    "spot": ("施設No", "施設No.", "施設番号", "施設名", "spot", "site"),
    "access_point": ("アクセスポイントID", "AP名", "APID", "apMac", "ap_mac", "apName", "ap_name", "ap"),
    "device": (
        "ユーザー情報",
        "端末ID",
        "MACアドレス",
        "端末MACアドレス",
        "clientMac",
        "client_mac",
        "mac",
        "macAddress",
    ),
    "start": ("時間", "接続開始", "接続開始日時", "開始時刻", "connected_at", "startTime", "timestamp", "time"),
    "end": ("接続終了", "接続終了日時", "終了時刻", "disconnected_at", "endTime"),
    "spent": ("接続時間", "利用時間", "duration"),
}
# The attributes of RFC 2866 that matter here.
ACCOUNTING = ("Acct-Status-Type", "Acct-Session-Id", "Calling-Station-Id", "Called-Station-Id", "NAS-Identifier")
ATTRIBUTES = (*ACCOUNTING, "NAS-IP-Address", "Acct-Session-Time", "Acct-Delay-Time", "Event-Timestamp", "Timestamp")
LONGEST = 10**7  # seconds a session may claim
_DETAIL = re.compile(r"^\s*Acct-Status-Type\s*=", re.M)
_STAMP = re.compile(
    r"(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d{1,2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d)(?: ([A-Z]{3,4}))?(?: (\d{4}))?"
)
_RADIO = re.compile(r"(?:[0-9A-Fa-f]{2}[-:.]?){6}")  # what comes after it is the SSID
_ZONES = {"JST": timezone(timedelta(hours=9)), "UTC": UTC, "GMT": UTC}


class Sighting(NamedTuple):
    """A device near `places` (what the log calls the spot, the likeliest first). `end` is None while it stays."""

    places: tuple[str, ...]
    device: str
    start: datetime
    end: datetime | None
    raw: Callable[[], bytes]


def sightings(body: bytes, zone: timezone, latest: datetime, secret: str = "") -> Iterator[Sighting | DecodeError]:
    """All sightings of a log of any of the kinds. Raises DecodeError when it is of none.

    Text times without a zone are in `zone`, and not after `latest`. With `secret`, pushes of Meraki must carry it.
    """
    text = text_of(body)
    if _DETAIL.search(text):
        return _sessions(_detail(text), zone)
    if is_syslog(text):
        return (
            each if isinstance(each, DecodeError) else Sighting((each[0],), *each[1:])
            for each in stays(text, zone, latest)
        )
    if text.lstrip()[:1] in ("{", "["):
        document = _json(text)
        if isinstance(document, dict) and isinstance(document.get("data"), dict) and "observations" in document["data"]:
            return _meraki(document, secret)
        records = document if isinstance(document, list) else [document]
        if records and all(isinstance(each, dict) and "Acct-Status-Type" in each for each in records):
            return _sessions(map(_flat, records), zone)
    elif "Acct-Status-Type" in text.split("\n", 1)[0]:
        found = rows(body, {name: (name,) for name in ATTRIBUTES}, ("Acct-Status-Type",))
        return _sessions((row if isinstance(row, DecodeError) else row.cells for row in found), zone)
    return _table(body, zone)


def _table(body: bytes, zone: timezone) -> Iterator[Sighting | DecodeError]:
    for row in rows(body, COLUMNS, ("start", "device")):
        try:
            yield row if isinstance(row, DecodeError) else _of_row(row, zone)
        except DecodeError as error:
            assert isinstance(row, Row)
            yield error.of_row(row.raw)


def _of_row(row: Row, zone: timezone) -> Sighting:
    cells = row.cells
    start = moment("開始", cells["start"], zone)
    end = moment("終了", text, zone) if (text := cells.get("end", "").strip()) else _after(start, row)
    places = tuple(filter(None, (cells.get("spot", "").strip(), cells.get("access_point", "").strip())))
    # Packet sensing tells no end and no length: there a device was heard once.
    heard_once = "end" not in cells and "spent" not in cells
    return Sighting(places, cells["device"].strip(), start, start if heard_once else end, lambda: row.raw)


def _after(start: datetime, row: Row) -> datetime | None:
    """The end of a session that tells only how long it was, in seconds, in minutes, or as h:mm:ss."""
    text = row.cells.get("spent", "").strip()
    if not text:
        return None
    parts = text.split(":")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) > 3:
        raise DecodeError("接続時間", text, "is no number of seconds and no h:mm:ss")
    seconds = sum(int(part) * 60**power for power, part in enumerate(reversed(parts)))
    if len(parts) == 2 or (len(parts) == 1 and unit_of(row.header, COLUMNS["spent"]) == "分"):
        seconds *= 60  # h:mm, or minutes
    if seconds > LONGEST:
        raise DecodeError("接続時間", text, f"is longer than {LONGEST} s")
    return start + timedelta(seconds=seconds)


def _detail(text: str) -> Iterator[dict[str, str]]:
    """The records of a FreeRADIUS detail file: a time, indented attributes, an empty line."""
    for block in re.split(r"(?:\r?\n[ \t]*){2,}", text.strip()):
        record: dict[str, str] = {}
        for line in block.splitlines():
            name, sign, value = line.partition(" = ")
            if sign:
                record[name.strip()] = value.strip().strip('"')
            elif line.strip():
                record.setdefault("Timestamp", line.strip())
        yield record


def _sessions(records: Iterable[Mapping[str, str] | DecodeError], zone: timezone) -> Iterator[Sighting | DecodeError]:
    """One sighting per session: its Start, its last Interim-Update and its Stop say the same thing in parts."""
    found: dict[tuple[str, str], Sighting] = {}
    for record in records:
        if isinstance(record, DecodeError):
            yield record
            continue
        try:
            if (sighting := _accounted(record, zone)) is None:
                continue
            key = (record.get("NAS-Identifier") or record.get("NAS-IP-Address", ""), record.get("Acct-Session-Id", ""))
            found[key] = _joined(found[key], sighting) if key in found else sighting
        except DecodeError as error:
            yield error.of_row(orjson.dumps(dict(record)))
    yield from found.values()


def _accounted(record: Mapping[str, str], zone: timezone) -> Sighting | None:
    """What one record says; None for Accounting-On and -Off, which are about the access point."""
    kind = record.get("Acct-Status-Type", "")
    if kind in ("Accounting-On", "Accounting-Off", "7", "8"):
        return None
    if kind not in ("Start", "Stop", "Interim-Update", "Alive", "1", "2", "3"):
        raise DecodeError("Acct-Status-Type", kind, "is none of Start, Interim-Update and Stop")
    at = _happened(record, zone)
    spent = record.get("Acct-Session-Time", "") or "0"
    if not (spent.isascii() and spent.isdigit() and int(spent) <= LONGEST):
        raise DecodeError("Acct-Session-Time", spent, f"is no number of seconds up to {LONGEST}")
    radio = _RADIO.match(record.get("Called-Station-Id", ""))
    names = (record.get("NAS-Identifier", ""), radio[0] if radio else "", record.get("NAS-IP-Address", ""))
    places = tuple(filter(None, names))
    device = record.get("Calling-Station-Id", "")
    end = None if kind in ("Start", "1") else at
    return Sighting(places, device, at - timedelta(seconds=int(spent)), end, lambda: orjson.dumps(dict(record)))


def _happened(record: Mapping[str, str], zone: timezone) -> datetime:
    """The event's own time; else when the record was written, less how long its sender had been trying."""
    if told := record.get("Event-Timestamp"):
        return _stamp(told, zone)
    delay = record.get("Acct-Delay-Time", "")
    late = int(delay) if delay.isascii() and delay.isdigit() and int(delay) <= LONGEST else 0
    return _stamp(record.get("Timestamp", ""), zone) - timedelta(seconds=late)


def _joined(first: Sighting, second: Sighting) -> Sighting:
    ends = [each.end for each in (first, second) if each.end is not None]
    return first._replace(start=min(first.start, second.start), end=max(ends, default=None))


def _stamp(text: str, zone: timezone) -> datetime:
    """`Jun 19 2026 12:50:38 JST`, `Fri Jun 19 12:50:38 2026`, POSIX seconds or ISO 8601. Raises DecodeError."""
    match = _STAMP.fullmatch(text.strip())
    if match is None or match[1] not in MONTHS or not (match[3] or match[6]):
        return moment("Event-Timestamp", text, zone)
    day = f"{match[3] or match[6]}-{MONTHS.index(match[1]) + 1:02}-{int(match[2]):02}"
    if match[5] and match[5] not in _ZONES:
        raise DecodeError("Event-Timestamp", text, f"has a zone that is none of {', '.join(_ZONES)}")
    return moment("Event-Timestamp", f"{day} {match[4]}", _ZONES.get(match[5] or "", zone))


def _flat(record: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as text; rlm_rest wraps each as {"type", "value": [...]}."""
    flat = {}
    for name, value in record.items():
        value = value["value"] if isinstance(value, dict) and "value" in value else value
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str | int):
            flat[name] = str(value)
    return flat


def _meraki(document: Mapping[str, Any], secret: str) -> Iterator[Sighting | DecodeError]:
    if secret and not hmac.compare_digest(str(document.get("secret", "")).encode(), secret.encode()):
        raise DecodeError("secret", "", "is not the one agreed with the controller")
    data, found = document["data"], document["data"]["observations"]
    if not isinstance(found, list):
        raise DecodeError("observations", type(found).__name__, "is no list")
    around = (str(data.get("apMac", "")), *_texts(data.get("apTags")))
    for each in found:
        try:
            yield _observation(each, around)
        except DecodeError as error:
            alone = {**document, "secret": "", "data": {**data, "observations": [each]}}
            yield error.of_row(orjson.dumps(alone))


def _observation(each: Any, around: tuple[str, ...]) -> Sighting:
    if not isinstance(each, dict) or not isinstance(each.get("clientMac"), str):
        raise DecodeError("observation", type(each).__name__, "has no clientMac")
    latest: Any = each.get("latestRecord")
    latest = latest if isinstance(latest, dict) else {}
    where = [at for at in each.get("locations") or [] if isinstance(at, dict)]
    tags = [tag for at in where for tag in _texts(at.get("nearestApTags"))]
    at = moment("seenTime", each.get("seenTime") or each.get("seenEpoch") or latest.get("time"))
    places = (str(latest.get("nearestApMac", "")), *tags, *around)
    # userId may be a name or an address: it is never looked at.
    return Sighting(tuple(filter(None, places)), each["clientMac"], at, at, lambda: b"")


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DecodeError("document", "", f"is no JSON: {error}") from None
