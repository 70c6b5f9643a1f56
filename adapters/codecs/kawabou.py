"""川の防災情報, the documents of one telemeter station (formats document b.2): `tmlist/{kind}/.../{obsFcd}.json`.

Each value stands beside a code of its own (`stg`, `stgCcd`): 0 is good; beside any other the value may be a literal 0
and means nothing. Times are Japanese. The station is the 13 digits of the file's name.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from adapters.codecs.jst import local
from adapters.contract import DecodeError

_STATION = re.compile(r"(?<!\d)(\d{13})(?!\d)")
GOOD = 0


class Observed(NamedTuple):
    """The good values of one instant, as they stand there."""

    at: datetime
    values: Mapping[str, Any]


def is_telemeter(body: bytes) -> bool:
    return b'"obsValue"' in body[:4096] or b'"min10Values"' in body[:4096]


def station_code(topic: str) -> str:
    """The 13 digits of the name. Raises DecodeError when there are none."""
    match = _STATION.search(topic)
    if match is None:
        raise DecodeError("file name", topic, "holds no station code of 13 digits")
    return match[1]


def observations(body: bytes) -> Iterator[Observed | DecodeError]:
    """Every instant of the document once, the ten-minute values first. Raises DecodeError when it is none."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DecodeError("document", body[:40], f"is no JSON: {error}") from None
    if not isinstance(page, dict):
        raise DecodeError("document", body[:40], "is no JSON object")
    seen: set[str] = set()
    for each in (page.get("obsValue"), *(page.get("min10Values") or []), *(page.get("hrValues") or [])):
        if not isinstance(each, dict) or each.get("obsTime") in seen:
            continue
        seen.add(str(each.get("obsTime")))
        try:
            yield Observed(local("obsTime", str(each.get("obsTime", ""))), _good(each))
        except DecodeError as error:
            yield error.of_row(orjson.dumps({"obsValue": each}))


def _good(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if value is not None and each.get(f"{name}Ccd") == GOOD}
