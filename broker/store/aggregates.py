"""Aggregated evolutions: methods over periods, computed in the database (GS CIM 009, 4.5.19)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite, sqrt
from operator import itemgetter
from typing import Any, Final

import asyncpg

from broker.store.coverage import Cover, check_raw, coverage
from broker.store.db import Database
from broker.store.history import Known, Series, Wanted, chosen, window
from broker.store.instances import KIND_NAMES
from broker.store.measures import COLUMNS, OF_EDGES, TELLING, TEXTUAL, TIME
from broker.store.statements import statements
from broker.store.tenants import known_terms
from ngsi import times
from ngsi.errors import InvalidRequest, TooComplexQuery
from ngsi.evolution import Aggregated
from ngsi.periods import Buckets, aligned, boundaries, step
from ngsi.query.temporal import Aggregation

_COMPUTED: Final = frozenset({"sum", "avg", "stddev", "sumsq"})  # what may be larger than any of the numbers
# the bucket of an instant, and its number from 0: periods of one length $5 from $4 on, and those between borders $4
# ($4 is a text there: for the first instant of the calendar asyncpg tells infinity, from which nothing is counted)
_EVEN: Final = (
    "time_bucket($5::interval, :at, (select $4::text::timestamptz))",  # read once, not for every row
    "round(date_part('epoch', bucket - $4::text::timestamptz) / date_part('epoch', $5::interval))::bigint",
)
_LISTED: Final = (
    "width_bucket(:at, $4::timestamptz[])",
    "case when $5::interval is null then bucket - 1 end",
)
_PARTS: Final = "part"
_PARTS_WITH_MEAN: Final = """(
    select *, sum / nullif(measured, 0) - sum(sum) over w / nullif(sum(measured) over w, 0) as away
    from part window w as (partition by entity, attribute, dataset, bucket)
)"""
_VERY_MANY: Final = 200  # series
_EXACT: Final = 2**53
_RESOLUTION: Final = datetime.resolution
_LAST: Final = datetime.max.replace(tzinfo=UTC) - _RESOLUTION  # at which a period can begin: it ends with the calendar
_PERIOD: Final = itemgetter("period")


@dataclass(frozen=True, slots=True)
class Method:
    """One aggregation method: what it makes of a period's row, and which values it can be applied to."""

    value: Callable[[Any], Any]
    arrays: bool
    texts: bool
    anything: bool = False
    times: bool = False


def _average(row: Any) -> Any:
    return row["sum"] / row["measured"] if row["measured"] else _time_of_day(row["time"])


def _time_of_day(seconds: Decimal) -> str:
    """As the standard writes a Time: UTC, `Z`, no needless fraction."""
    moment = datetime.min + timedelta(microseconds=round(seconds * 1_000_000))
    return times.text(moment.replace(tzinfo=UTC)).partition("T")[2]


def _extreme(number: str, text: str) -> Callable[[Any], Any]:
    return lambda row: row[number] if row[number] is not None else row[text][-1]


def _stddev(row: Any) -> float:
    return sqrt(row["deviation"] / (row["measured"] - 1)) if row["measured"] > 1 else 0.0


METHODS: Final[dict[str, Method]] = {
    "totalCount": Method(lambda row: row["total"], True, True, True),
    "distinctCount": Method(lambda row: row["distinct_values"], True, True, True),
    "sum": Method(lambda row: row["sum"], True, False),
    "avg": Method(_average, True, False, times=True),
    "min": Method(_extreme("least", "first_text"), True, True),
    "max": Method(_extreme("most", "last_text"), True, True),
    "stddev": Method(_stddev, False, False),
    "sumsq": Method(lambda row: row["squares"], False, False),
}


async def aggregate(
    database: Database, entities: Sequence[Known], wanted: Wanted, asked: Aggregation, most: int
) -> dict[int, list[Aggregated]]:
    """The aggregated series of each entity. A period without instances is left out.

    Raises TooComplexQuery for more than `most` periods, InvalidRequest for a method that no value of a series fits,
    and for one whose result is beyond double precision.
    """
    series = await chosen(database, entities, wanted)
    if not series:
        return {}
    buckets = await _buckets(database, series, wanted, asked, most)
    if buckets is None:
        return {}
    try:
        rows = await _rows(database, entities, series, buckets, wanted, asked, most)
    except asyncpg.NumericValueOutOfRangeError:
        raise await _beyond(database, series, buckets, wanted, asked, most) from None
    if buckets.length is not None and len({row["period"] for row in rows}) > most:
        raise TooComplexQuery(f"aggrPeriodDuration: more than {most} periods hold instances")
    return await _aggregated(database, rows, buckets, asked)


async def _rows(
    database: Database,
    entities: Sequence[Known],
    series: list[Series],
    buckets: Buckets,
    wanted: Wanted,
    asked: Aggregation,
    most: int,
) -> list[Any]:
    """The periods of all series, of roll-ups where they can answer, else of readings."""
    numbers = [entity.no for entity in entities]
    cover = await coverage(database, numbers, wanted.temporal, buckets, asked)
    rolled = [item for item in series if cover is not None and item[0] in cover.ready]
    rows = await _rolled(database, rolled, buckets, asked, cover) if cover is not None and rolled else []
    if any(row["texts"] and _needs_texts(row, asked) for row in rows):
        await check_raw(database, numbers, wanted.temporal)
        rows, rolled = [], []  # roll-ups hold numbers only
    raw = [item for item in series if item not in set(rolled)] if rolled else series
    read = await _raw(database, raw, buckets, wanted, asked, most) if raw else []
    if "avg" in asked.methods and not all(row["measured"] for row in read):  # few series are of times
        read = await _raw(database, raw, buckets, wanted, asked, most, times_of_day=True)
    return [*rows, *read]


async def _beyond(
    database: Database, series: list[Series], buckets: Buckets, wanted: Wanted, asked: Aggregation, most: int
) -> InvalidRequest:
    """What to say where the database could not compute: it is the attribute with the largest numbers."""
    extremes = replace(asked, methods=("min", "max"))
    rows = await _raw(database, series, buckets, wanted, extremes, most)
    sizes = {row["attribute"]: max(abs(row["least"]), abs(row["most"])) for row in rows if row["measured"]}
    attribute = max(sizes, key=sizes.__getitem__, default=series[0][1])
    iris = await known_terms(database, {attribute})
    return _too_large(", ".join(name for name in asked.methods if name in _COMPUTED), iris[attribute])


def _too_large(methods: str, iri: str) -> InvalidRequest:
    return InvalidRequest(
        f"aggrMethods: {methods} of the values of {iri} is beyond double precision; "
        "ask for a shorter aggrPeriodDuration, or name other attributes with pick"
    )


def _needs_texts(row: Any, asked: Aggregation) -> bool:
    return not TEXTUAL.isdisjoint(asked.methods) or ("avg" in asked.methods and not row["measured"])


async def _raw(
    database: Database,
    series: list[Series],
    buckets: Buckets,
    wanted: Wanted,
    asked: Aggregation,
    most: int,
    *,
    times_of_day: bool = False,
) -> list[Any]:
    columns = ["count(*) as total", "count(h.number) as measured"]
    for name, (made, methods) in TELLING.items():
        columns.append(f"{'0' if methods.isdisjoint(asked.methods) else made} as {name}")
    columns += [f"{made} as {name}" for name, (made, _, methods) in _needed(asked)]
    columns += [f"{TIME} as time"] if times_of_day else []
    sql = _sql("raw", wanted, buckets).replace(":columns", ", ".join(columns))
    limits = wanted.temporal.start, wanted.temporal.end, most + 1

    async def part(some: list[Series]) -> list[Any]:
        return list(await database.by_series.fetch(sql, *_arrays(some), *_told(buckets), *limits))

    half = len(series) // 2  # of very many: while the server reads one half, it may read the other
    parts = [series[:half], series[half:]] if len(series) >= _VERY_MANY else [series]
    return [row for rows in await asyncio.gather(*map(part, parts)) for row in rows]


async def _rolled(
    database: Database, series: list[Series], buckets: Buckets, asked: Aggregation, cover: Cover
) -> list[Any]:
    columns = [f"sum({name}) as {name}" for name in ("total", "measured", *TELLING)]
    columns += [f"{made} as {name}" for name, (_, made, _) in _needed(asked)]
    parts = _PARTS_WITH_MEAN if "stddev" in asked.methods else _PARTS
    # what is not asked for is not computed: it may be too large
    needed = dict(_needed(asked))
    edges = ", ".join(needed[name][0] if name in needed else "null::double precision" for name in OF_EDGES)
    sql = _sql("rolled", None, buckets).replace(":columns", ", ".join(columns)).replace(":parts", parts)
    sql = sql.replace(":edges", edges)
    spans = cover.since, cover.until, cover.seconds, *cover.around
    return list(await database.by_series.fetch(sql, *_arrays(series), *_told(buckets), *spans))


def _needed(asked: Aggregation) -> list[tuple[str, tuple[str, str, frozenset[str]]]]:
    return [item for item in COLUMNS.items() if not item[1][2].isdisjoint(asked.methods)]


def _arrays(series: list[Series]) -> list[list[int]]:
    return [list(column) for column in zip(*series, strict=True)]


def _told(buckets: Buckets) -> tuple[Any, timedelta | None]:
    """$4 and $5 of a statement."""
    return (list(buckets.borders[:-1]) if buckets.length is None else times.text(buckets.borders[0])), buckets.length


def _sql(name: str, wanted: Wanted | None, buckets: Buckets | None = None) -> str:
    """The statement for the timeproperty of `wanted` (None: observedAt), and for `buckets`."""
    axis, condition = window(wanted.temporal, tombstones=False) if wanted is not None else ("at", "")
    sql = statements("aggregates")[name].replace(":axis", axis).replace(":condition", condition)
    if buckets is None:
        return sql
    bucket, number = _LISTED if buckets.length is None else _EVEN
    sql = sql.replace(":bucket", bucket.replace(":at", f"h.{axis}")).replace(":number", number)
    return sql.replace(":rolled", bucket.replace(":at", "r.start"))


async def _buckets(
    database: Database, series: list[Series], wanted: Wanted, asked: Aggregation, most: int
) -> Buckets | None:
    """The periods; None when there is no instance. Those of one length need no end: they are told by their number."""
    start, end, zone = wanted.temporal.start, wanted.temporal.end, asked.zone or UTC
    length = step(asked.period, zone) if asked.period is not None else None
    last = end
    if start is None or (last is None and length is None):
        row = await database.by_series.fetchrow(_sql("extremes", wanted), *_arrays(series), start, end)
        if row["first"] is None:
            return None
        start, last = start or row["first"], end or row["last"]
    start = min(start, _LAST)
    if asked.period is not None and asked.zone is not None:
        start = aligned(start, asked.period, asked.zone)
    if length is not None:
        return Buckets([start], length)
    assert last is not None  # looked for above, where the request tells no end
    if asked.period is None:
        return Buckets([start, last])
    return Buckets(boundaries(start, end or min(last, _LAST) + _RESOLUTION, asked.period, zone, most))


async def _aggregated(
    database: Database, rows: Sequence[Any], buckets: Buckets, asked: Aggregation
) -> dict[int, list[Aggregated]]:
    by_series: dict[Series, list[Any]] = {}
    for row in rows:
        by_series.setdefault(row[:3], []).append(row)
    iris = await known_terms(database, {no for item in by_series for no in item[1:]})
    stamps = _Stamps(buckets)
    found: dict[int, list[Aggregated]] = {}
    for (entity, attribute, dataset), periods in sorted(by_series.items(), key=itemgetter(0)):
        periods.sort(key=_PERIOD)
        values = {name: _values(METHODS[name], periods, stamps) for name in asked.methods}
        _check_eligible(iris[attribute], values)
        _check_finite(iris[attribute], values)
        kind = KIND_NAMES[max(row["type"] for row in periods)]
        shown = "Relationship" if kind.endswith("Relationship") else "Property"
        found.setdefault(entity, []).append(Aggregated(iris[attribute], iris.get(dataset), shown, values))
    return found


class _Stamps(dict[int, str]):
    """The texts of the borders of `buckets`, each written once."""

    def __init__(self, buckets: Buckets) -> None:
        super().__init__()
        self._buckets = buckets

    def __missing__(self, number: int) -> str:
        stamp = self[number] = times.text(self._buckets.edge(number))
        return stamp


def _values(method: Method, rows: Sequence[Any], stamps: _Stamps) -> list[tuple[Any, str, str]]:
    return [
        (_number(method.value(row)), stamps[row["period"]], stamps[row["period"] + 1])
        for row in rows
        if method.anything or _fits(method, row)
    ]


def _fits(method: Method, row: Any) -> bool:
    numbers = row["measured"] > row["arrays"] or (method.arrays and row["arrays"])
    return bool(numbers or (method.texts and row["texts"]) or (method.times and row.get("time") is not None))


def _check_eligible(iri: str, values: Mapping[str, Sized]) -> None:
    for name, found in values.items():
        if not found:
            raise InvalidRequest(
                f"aggrMethods: {name} cannot be applied to the values of {iri} (table 4.5.19.1-1); "
                "name the attributes to be aggregated with pick"
            )


def _check_finite(iri: str, values: Mapping[str, Sequence[tuple[Any, str, str]]]) -> None:
    for name in _COMPUTED & values.keys():
        if not all(isfinite(value) for value, *_ in values[name] if isinstance(value, float)):
            raise _too_large(name, iri)


def _number(value: Any) -> Any:
    """A whole number without a fraction, as the instances have it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
