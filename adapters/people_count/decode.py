"""`year,month,day,hour,minute,second,count`, one file per area, to CrowdFlowObserved (formats document h).

The area stands in the file's name (`area1_m5.csv`); raw counters have the same columns without a header. The
counts are of Wi-Fi devices near the sensor, fixed equipment included; they are stored as published.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

from adapters.codecs.jst import instant, plausible
from adapters.codecs.number import Range, within
from adapters.codecs.station import Station
from adapters.codecs.table import Row, rows
from adapters.contract import Decode, DecodeError, Message
from models import CrowdFlowObserved, Model, urn

PARTS = ("year", "month", "day", "hour", "minute", "second", "count")
COLUMNS = {part: (part,) for part in PARTS}
HEADER = ",".join(PARTS).encode() + b"\n"
_NUMBERS = re.compile(rb"\s*\d+(?:\s*,\s*\d+){6}\s*(?:\n|\r|$)")
MOST = Range(0, 100_000)


def decoder(source: str, areas: Mapping[str, Station], utc_offset: int) -> Decode:
    """The decoder for these areas."""
    zone = timezone(timedelta(hours=utc_offset))

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        area = _area(message.topic, areas)
        entity = urn("CrowdFlowObserved", source, area.code)
        for row in rows(_headed(message.body), COLUMNS, PARTS):
            if isinstance(row, DecodeError):
                yield row
                continue
            try:
                at, count = _reading(row, zone, message.received_at)
            except DecodeError as error:
                yield error.of_row(row.raw)
                continue
            yield CrowdFlowObserved(
                id=entity, observed_at=at, name=area.name, location=area.location, people_count=count
            )

    return decode


def _headed(body: bytes) -> bytes:
    """The raw counters write the same columns without naming them."""
    return HEADER + body if _NUMBERS.match(body) else body


def _area(topic: str, areas: Mapping[str, Station]) -> Station:
    for code, area in areas.items():
        if topic.startswith(code) and not topic[len(code) : len(code) + 1].isdigit():  # area1 is not area10
            return area
    raise DecodeError("file name", topic, f"begins with none of {', '.join(areas)}")


def _reading(row: Row, zone: timezone, received_at: datetime) -> tuple[datetime, int]:
    try:
        year, month, day, hour, minute, second, count = (int(row.cells[part]) for part in PARTS)
    except ValueError:
        raise DecodeError("row", ",".join(row.values), "holds something that is no whole number") from None
    within("count", count, MOST)
    at = instant("time", (year, month, day), hour, minute, second, zone)
    return plausible("time", at, received_at), count
