"""川の防災情報, the documents of one telemeter station (formats document b.2): `tmlist/{kind}/.../{obsFcd}.json`.

Each value stands beside a code of its own (`stg`, `stgCcd`): 0 is good; beside any other the value may be a literal 0
and means nothing. Times are Japanese. The station is the 13 digits of the file's name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import orjson

from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.documents import parsed_object
from adapters.codecs.jst import local, plausible
from adapters.contract import DecodeError, Message
from models import Model

_STATION = re.compile(r"(?<!\d)(\d{13})(?!\d)")
GOOD = (0, "0")

Place = TypeVar("Place")


class Observed(NamedTuple):
    """The good values of one instant, as they stand there, and the instant as a document of its own."""

    at: datetime
    values: Mapping[str, Any]
    alone: bytes


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
    page = parsed_object(body)
    seen: set[str] = set()
    for each in (page.get("obsValue"), *_list(page, "min10Values"), *_list(page, "hrValues")):
        if not isinstance(each, dict) or each.get("obsTime") in seen:
            continue
        seen.add(str(each.get("obsTime")))
        alone = orjson.dumps({"obsValue": each})
        try:
            yield Observed(local("obsTime", str(each.get("obsTime", ""))), _good(each), alone)
        except DecodeError as error:
            yield error.of_row(alone)


def read_telemeter(
    message: Message,
    known: Mapping[str, Place],
    fields: Mapping[str, str],
    quantities: Mapping[str, Quantity],
    make: Callable[[Place, datetime, dict[str, Any]], Model],
) -> Iterator[Model | DecodeError]:
    """What `make` builds of every instant that says something good of `fields` (their names there, and ours).

    Raises DecodeError when the station is not among the `known`.
    """
    code = station_code(message.topic)
    if code not in known:
        raise DecodeError("file name", code, "is not in the station table")
    for each in observations(message.body):
        if isinstance(each, DecodeError):
            yield each
            continue
        cells = Cells()
        told = {fields[name]: str(value) for name, value in each.values.items() if name in fields}
        try:
            at = plausible("obsTime", each.at, message.received_at)
            if values := cells.quantities(told, quantities):
                yield make(known[code], at, values)
        except DecodeError as error:
            cells.errors.append(error)
        for bad in cells.errors:
            yield bad.of_row(each.alone)


def _list(page: Mapping[str, Any], name: str) -> list[Any]:
    found = page.get(name)
    return found if isinstance(found, list) else []


def _good(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if value is not None and each.get(f"{name}Ccd") in GOOD}
