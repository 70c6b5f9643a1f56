"""Which part of an aggregation roll-ups can answer: whole buckets before the mark, of entities whose past is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker.store.db import Database
from broker.store.statements import statements
from ngsi.errors import InvalidRequest
from ngsi.periods import Buckets
from ngsi.query.temporal import Aggregation, TemporalQuery

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cover:
    """Roll-ups of `seconds` answer from `since` to `until` for the entities `ready`; `around` is read raw.

    `around` holds the beginnings and the ends of the time before and after.
    """

    seconds: int
    since: datetime
    until: datetime
    around: tuple[list[datetime], list[datetime]]
    ready: frozenset[int]


async def coverage(
    database: Database, entities: list[int], query: TemporalQuery, buckets: Buckets, asked: Aggregation
) -> Cover | None:
    """The best cover; None when only raw readings can answer.

    Raises InvalidRequest when the raw readings are gone and no roll-up fits the periods and methods.
    """
    sql = statements("rollups")
    policies = await database.readers.fetch(sql["policies_of"], entities, query.start)
    if not policies:
        return None
    row = await database.readers.fetchrow(sql["cover"], entities, _is_gone(policies, query.start))
    start, upto = query.start, row["upto"]
    level = None
    if start is not None and upto is not None and _rolls(query, asked):
        level = _level(policies, start, upto, buckets)
    if level is None or start is None:
        _check_raw(policies, start)
        return None
    end = min(query.end or buckets.end, buckets.end)
    since = _ceil(start, level)
    until = max(since, _floor(min(end, upto), level))
    # an empty span would be looked for in every series
    spans = [span for span in ((start, min(since, end)), (until, end)) if span[0] < span[1]]
    around = ([span[0] for span in spans], [span[1] for span in spans])
    return Cover(level, since, until, around, frozenset(row["ready"]))


async def check_raw(database: Database, entities: list[int], query: TemporalQuery) -> None:
    """Raises InvalidRequest when the raw readings, which alone can answer, are gone."""
    policies = await database.readers.fetch(statements("rollups")["policies_of"], entities, query.start)
    _check_raw(policies, query.start)


def _rolls(query: TemporalQuery, asked: Aggregation) -> bool:
    return query.property == "observedAt" and query.relation is not None and "distinctCount" not in asked.methods


def _level(policies: Sequence[Any], start: datetime, upto: datetime, buckets: Buckets) -> int | None:
    """The coarsest level that every policy keeps since `start` and that no period divides."""
    common = set.intersection(*(_kept(policy["levels"], start, upto) for policy in policies))
    return max((level for level in common if _divides_none(level, buckets)), default=None)


def _divides_none(level: int, buckets: Buckets) -> bool:
    if buckets.length is not None:
        return _floor(buckets.borders[0], level) == buckets.borders[0] and not buckets.length % timedelta(seconds=level)
    return all(_floor(border, level) == border for border in buckets.borders[:-1])


def _kept(levels: dict[str, int | None], start: datetime, upto: datetime) -> set[int]:
    return {int(level) for level, days in levels.items() if days is None or start >= upto - timedelta(days=days)}


def _gone(policies: Sequence[Any]) -> datetime | None:
    return max((policy["raw_until"] for policy in policies if policy["raw_until"] is not None), default=None)


def _is_gone(policies: Sequence[Any], start: datetime | None) -> bool:
    gone = _gone(policies)
    return gone is not None and (start is None or start < gone)


def _check_raw(policies: Sequence[Any], start: datetime | None) -> None:
    if not _is_gone(policies, start):
        return
    gone = _gone(policies)
    if start is None:
        raise InvalidRequest(
            f"timerel, timeAt: readings before {gone:%Y-%m-%d} are kept as roll-ups only, which answer from a start on "
            "(timerel after or between)"
        )
    raise InvalidRequest(
        f"aggrPeriodDuration, aggrMethods: readings before {gone:%Y-%m-%d} are kept as roll-ups only, and none "
        "that is kept fits these periods and methods (periods are to begin at full buckets; distinctCount, and "
        "whatever is asked of values other than numbers, needs the readings themselves)"
    )


def _floor(instant: datetime, seconds: int) -> datetime:
    step = timedelta(seconds=seconds)
    return _EPOCH + (instant - _EPOCH) // step * step


def _ceil(instant: datetime, seconds: int) -> datetime:
    floor = _floor(instant, seconds)
    return floor if floor == instant else floor + timedelta(seconds=seconds)
