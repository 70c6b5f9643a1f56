"""Syslog of access points: who associates and who leaves, in the words of hostapd, Cisco IOS and Aruba.

    Jun 19 12:50:38 omicho-ap-01 hostapd: wlan0: AP-STA-CONNECTED 02:00:00:ff:ff:01
    <30>1 2026-06-19T12:50:38+09:00 omicho-ap-01 hostapd 612 - - wlan0: STA 02:00:00:ff:ff:01 IEEE 802.11: disassociated

The first form has no year: it is the last such day before the log came. Lines about anything else are passed over.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from adapters.codecs.instants import moment
from adapters.codecs.jst import with_year
from adapters.contract import DecodeError

MAC = r"((?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})"
# what a line says, and whether the device comes (True) or goes
WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), comes)
    for pattern, comes in (
        (rf"AP-STA-CONNECTED {MAC}", True),
        (rf"AP-STA-DISCONNECTED {MAC}", False),
        (rf"STA {MAC} IEEE 802\.11: associated", True),
        (rf"STA {MAC} IEEE 802\.11: (?:disassociated|deauthenticated)", False),
        (rf"DOT11-6-ASSOC:.*Station\s+{MAC}", True),
        (rf"DOT11-6-DISASSOC:.*Station\s+{MAC}", False),
        (rf"Assoc success.*?: {MAC}", True),
        (rf"(?:Disassoc|Deauth) (?:from|to) sta.*?: {MAC}", False),
    )
)
# Any of the words, in one look at what may be a long table of another kind.
_MARK = re.compile(
    r"AP-STA-(?:DIS)?CONNECTED|IEEE 802\.11: (?:(?:dis)?associated|deauthenticated)|DOT11-6-(?:DIS)?ASSOC"
    r"|Assoc success|(?:Disassoc|Deauth) (?:from|to) sta"
)
_HEAD = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?(?:(?P<stamp>\d{4}-\d\d-\d\dT\S+)"
    r"|(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?(?P<clock>\d\d:\d\d:\d\d)\S*) (?P<host>\S+) "
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Stay = tuple[str, str, datetime, datetime | None, Callable[[], bytes]]  # host, device, from, to, the line


def is_syslog(text: str) -> bool:
    return _MARK.search(text) is not None


def stays(text: str, zone: timezone, latest: datetime) -> Iterator[Stay | DecodeError]:
    """How long each device was at each access point; who came before the log began was there when he left."""
    present: dict[tuple[str, str], Stay] = {}
    for line in text.splitlines():
        told = next(((match[1], comes) for pattern, comes in WORDS if (match := pattern.search(line))), None)
        if told is None:
            continue
        try:
            host, at = _head(line, zone, latest)
        except DecodeError as error:
            yield error.of_row(line.encode())
            continue
        device, comes = told[0].lower(), told[1]
        key = host, device
        if comes:  # twice, it is the same association told in two ways
            present.setdefault(key, (host, device, at, None, line.encode))
        else:
            _, _, since, _, raw = present.pop(key, (host, device, at, None, line.encode))
            yield host, device, since, at, raw
    yield from present.values()


def _head(line: str, zone: timezone, latest: datetime) -> tuple[str, datetime]:
    match = _HEAD.match(line)
    if match is None or (match["month"] and match["month"] not in MONTHS):
        raise DecodeError("syslog", "line", "begins with no time and host")
    if match["stamp"]:
        return match["host"], moment("syslog", match["stamp"], zone)
    day = f"{MONTHS.index(match['month']) + 1}/{match['day']} {match['clock']}"
    day = f"{match['year']}/{day}" if match["year"] else with_year(day, latest, zone)
    return match["host"], moment("syslog", day, zone)
