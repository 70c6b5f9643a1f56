"""The temporal query and the parameters of an aggregation (GS CIM 009, 4.11, 4.5.19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ngsi import times
from ngsi.errors import BadRequestData, shown
from ngsi.periods import Period, parse_period

TIME_PROPERTIES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
_RELATIONS: Final = ("before", "after", "between")


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """Instances whose `property` lies from `start` (inclusive) to `end` (exclusive); `last` per attribute.

    `relation` None: every instance, `property` says only what orders them.
    """

    relation: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    property: str = "observedAt"
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Methods over periods; `period` None is the whole range. With `zone`, periods begin as its calendar has them."""

    methods: tuple[str, ...]
    period: Period | None = None
    zone: tzinfo | None = None

    @property
    def calendar(self) -> tzinfo:
        return self.zone or UTC


def parse_temporal(given: Mapping[str, Any], *, needed: bool) -> TemporalQuery:
    """The members of a temporal query, from parameters or a body. Raises BadRequestData."""
    chosen = given.get("timeproperty", "observedAt")
    if chosen not in TIME_PROPERTIES:
        raise BadRequestData(f"timeproperty: {shown(chosen)} is not one of {', '.join(TIME_PROPERTIES)} (4.11)")
    last = _last(given.get("lastN"))
    relation = given.get("timerel")
    if relation is None:
        if needed or "timeAt" in given or "endTimeAt" in given:
            raise BadRequestData("timerel: a temporal query needs timerel and timeAt (4.11)")
        return TemporalQuery(property=chosen, last=last)
    if relation not in _RELATIONS:
        raise BadRequestData(f"timerel: {shown(relation)} is not one of {', '.join(_RELATIONS)} (4.11)")
    at = _instant(given, "timeAt", relation)
    end = _instant(given, "endTimeAt", relation) if relation == "between" or given.get("endTimeAt") is not None else at
    if relation == "before":
        return TemporalQuery(relation, None, at, chosen, last)
    if relation == "after":
        return TemporalQuery(relation, at, None, chosen, last)
    if end < at:
        raise BadRequestData(f"endTimeAt: {shown(given['endTimeAt'])} is before timeAt {shown(given['timeAt'])} (4.11)")
    return TemporalQuery(relation, at, end, chosen, last)


def parse_aggregation(given: Mapping[str, Any], default_zone: str = "") -> Aggregation:
    """aggrMethods, aggrPeriodDuration and aggrTimezone (ours). Raises BadRequestData."""
    methods = given.get("aggrMethods")
    if not methods:
        raise BadRequestData("aggrMethods: aggregatedValues needs at least one method (4.5.19)")
    names = [item.strip() for item in methods.split(",")] if isinstance(methods, str) else methods
    strange = next((item for item in names if item not in METHODS), None) if isinstance(names, list) else methods
    if strange is not None:
        raise BadRequestData(f"aggrMethods: {shown(strange)} is not one of {', '.join(METHODS)} (4.5.19)")
    duration = given.get("aggrPeriodDuration", "PT0S")
    if not isinstance(duration, str):
        raise BadRequestData(f"aggrPeriodDuration: {shown(duration)} is not an ISO 8601 duration (4.5.19.1)")
    zone = given.get("aggrTimezone", default_zone)
    return Aggregation(tuple(dict.fromkeys(names)), parse_period(duration), _zone(zone) if zone else None)


def _last(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**9:
        raise BadRequestData(f"lastN: {shown(value)} is not a positive integer")
    return value


def _instant(given: Mapping[str, Any], name: str, relation: str) -> datetime:
    value = given.get(name)
    if value is None:
        raise BadRequestData(f"{name}: timerel {relation} needs it (4.11)")
    # in a URL an unescaped + of an offset arrives as a space
    return times.date_time(value.replace(" ", "+") if isinstance(value, str) else value, name)


def _zone(name: Any) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, TypeError, KeyError):
        raise BadRequestData(f"aggrTimezone: {shown(name)} is not a time zone such as Asia/Tokyo") from None
