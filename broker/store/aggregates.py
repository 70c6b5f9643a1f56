"""Aggregated evolutions: methods over periods, computed in the database (GS CIM 009, 4.5.19)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import sqrt
from typing import Any, Final

from broker.store.coverage import Cover, coverage
from broker.store.db import Database
from broker.store.history import Known, Series, Wanted, chosen, window
from broker.store.instances import KIND_NAMES
from broker.store.statements import statements
from broker.store.tenants import known_terms
from ngsi import times
from ngsi.errors import InvalidRequest, TooComplexQuery
from ngsi.evolution import Aggregated
from ngsi.periods import aligned, boundaries, edges, step
from ngsi.query.temporal import Aggregation

_DISTINCT: Final = (
    "count(distinct case when h.form in ('f', 'i') then '0' || h.number::text "
    "else h.form::text || coalesce(h.text, h.json::text, h.number::text) end)"
)
_TEXTUAL: Final = frozenset({"min", "max"})
# strings, and typed values of time (4.6.3), which are in the order of their texts
_TEXT: Final = (
    "(case when h.type = 0 then case h.form when 't' then h.text when 'j' then "
    "case when h.json ->> '@type' in ('DateTime', 'Date', 'Time') then h.json ->> '@value' end end end)"
)
# of a period's row: the columns, what a method that does not need one finds there, and which methods need it
_COLUMNS: Final[dict[str, tuple[str, str, frozenset[str]]]] = {
    "arrays": ("count(*) filter (where h.form = 'a')", "0", frozenset({"stddev", "sumsq"})),
    "texts": (f"count({_TEXT})", "0", _TEXTUAL),
    "sum": ("sum(h.number)", "null::float8", frozenset({"sum", "avg"})),
    "squares": ("sum(h.number * h.number)", "null::float8", frozenset({"sumsq"})),
    "deviation": ("var_pop(h.number) * count(h.number)", "null::float8", frozenset({"stddev"})),
    "least": ("min(h.number)", "null::float8", frozenset({"min"})),
    "most": ("max(h.number)", "null::float8", frozenset({"max"})),
    "first_text": (f'min({_TEXT} collate "C")', "null::text", frozenset({"min"})),
    "last_text": (f'max({_TEXT} collate "C")', "null::text", frozenset({"max"})),
    "distinct_values": (_DISTINCT, "0", frozenset({"distinctCount"})),
}
_EXACT: Final = 2**53
_RESOLUTION: Final = datetime.resolution


@dataclass(frozen=True, slots=True)
class Method:
    """One aggregation method: what it makes of a period's row, and which values it can be applied to."""

    value: Callable[[Any], Any]
    arrays: bool
    texts: bool
    anything: bool = False


def _extreme(number: str, text: str) -> Callable[[Any], Any]:
    return lambda row: row[number] if row[number] is not None else row[text]


def _stddev(row: Any) -> float:
    return sqrt(row["deviation"] / (row["measured"] - 1)) if row["measured"] > 1 else 0.0


METHODS: Final[dict[str, Method]] = {
    "totalCount": Method(lambda row: row["total"], True, True, True),
    "distinctCount": Method(lambda row: row["distinct_values"], True, True, True),
    "sum": Method(lambda row: row["sum"], True, False),
    "avg": Method(lambda row: row["sum"] / row["measured"], True, False),
    "min": Method(_extreme("least", "first_text"), True, True),
    "max": Method(_extreme("most", "last_text"), True, True),
    "stddev": Method(_stddev, False, False),
    "sumsq": Method(lambda row: row["squares"], False, False),
}


async def aggregate(
    database: Database, entities: Sequence[Known], wanted: Wanted, asked: Aggregation, most: int
) -> dict[int, list[Aggregated]]:
    """The aggregated series of each entity. A period without instances is left out.

    Raises TooComplexQuery for more than `most` periods, InvalidRequest for a method that no value of a series fits.
    """
    series = await chosen(database, entities, wanted)
    if not series:
        return {}
    borders = await _borders(database, _arrays(series), wanted, asked, most)
    if borders is None:
        return {}
    cover = await coverage(database, [entity.no for entity in entities], wanted.temporal, borders, asked)
    rolled = [item for item in series if cover is not None and item[0] in cover.ready]
    rows = await _rolled(database, rolled, borders, cover) if cover is not None and rolled else []
    if any(row["texts"] for row in rows) and not _TEXTUAL.isdisjoint(asked.methods):
        rows, rolled = [], []  # roll-ups hold numbers only
    raw = [item for item in series if item not in set(rolled)] if rolled else series
    rows += await _raw(database, raw, borders, wanted, asked) if raw else []
    return await _aggregated(database, rows, borders, asked)


async def _raw(
    database: Database, series: list[Series], borders: list[datetime], wanted: Wanted, asked: Aggregation
) -> list[Any]:
    columns = ["count(*) as total", "count(h.number) as measured"]
    for name, (needed, otherwise, methods) in _COLUMNS.items():
        columns.append(f"{otherwise if methods.isdisjoint(asked.methods) else needed} as {name}")
    sql = _sql("raw", wanted).replace(":columns", ", ".join(columns))
    start, end = wanted.temporal.start, wanted.temporal.end
    return list(await database.by_series.fetch(sql, *_arrays(series), start, end, borders[:-1]))


async def _rolled(database: Database, series: list[Series], borders: list[datetime], cover: Cover) -> list[Any]:
    sql = statements("aggregates")["rolled"]
    return list(
        await database.readers.fetch(
            sql, *_arrays(series), borders[:-1], cover.seconds, cover.since, cover.until, *cover.around
        )
    )


def _arrays(series: list[Series]) -> list[list[int]]:
    return [list(column) for column in zip(*series, strict=True)]


def _sql(name: str, wanted: Wanted) -> str:
    axis, condition = window(wanted.temporal, tombstones=False)
    return statements("aggregates")[name].replace(":axis", axis).replace(":condition", condition)


async def _borders(
    database: Database, arrays: list[list[int]], wanted: Wanted, asked: Aggregation, most: int
) -> list[datetime] | None:
    """The borders of the periods; None when there is no instance."""
    start, end = wanted.temporal.start, wanted.temporal.end
    if start is None or end is None:
        row = await database.by_series.fetchrow(_sql("extremes", wanted), *arrays, start, end)
        if row["first"] is None:
            return None
        start, end = start or row["first"], end or row["last"] + _RESOLUTION
        last = row["last"]
    else:
        last = end
    if asked.period is None:
        return [start, wanted.temporal.end or last]
    if asked.zone is not None:
        start = aligned(start, asked.period, asked.zone)
    length = step(asked.period, asked.zone or UTC)
    if length is None or (end - start) / length <= most:
        return boundaries(start, end, asked.period, asked.zone or UTC, most)
    return await _occupied(database, arrays, wanted, start, length, most)


async def _occupied(
    database: Database, arrays: list[list[int]], wanted: Wanted, start: datetime, length: timedelta, most: int
) -> list[datetime]:
    """The borders of those periods that hold anything: of short ones over years there are few."""
    window_of = (wanted.temporal.start, wanted.temporal.end)
    rows = await database.readers.fetch(_sql("occupied", wanted), *arrays, *window_of, start, length, most + 1)
    if len(rows) > most:
        raise TooComplexQuery(f"aggrPeriodDuration: more than {most} periods hold instances")
    return edges(start, length, [row["number"] for row in rows])


async def _aggregated(
    database: Database, rows: Sequence[Any], borders: list[datetime], asked: Aggregation
) -> dict[int, list[Aggregated]]:
    iris = await known_terms(database, {no for row in rows for no in (row["attribute"], row["dataset"])})
    stamps = [times.text(border) for border in borders]
    found: dict[int, list[Aggregated]] = {}
    for (entity, attribute, dataset), group in groupby(rows, key=_series_of):
        periods = list(group)
        _check_eligible(iris[attribute], periods, asked.methods)
        kind = KIND_NAMES[max(row["type"] for row in periods)]
        values = {name: _values(METHODS[name], periods, stamps) for name in asked.methods}
        shown = "Relationship" if kind.endswith("Relationship") else "Property"
        found.setdefault(entity, []).append(Aggregated(iris[attribute], iris.get(dataset), shown, values))
    return found


def _series_of(row: Any) -> Series:
    return row["entity"], row["attribute"], row["dataset"]


def _values(method: Method, rows: Sequence[Any], stamps: list[str]) -> list[tuple[Any, str, str]]:
    return [
        (_number(method.value(row)), stamps[row["period"] - 1], stamps[row["period"]])
        for row in rows
        if method.anything or _fits(method, row)
    ]


def _fits(method: Method, row: Any) -> bool:
    return bool(row["measured"] > row["arrays"] or (method.arrays and row["arrays"]) or (method.texts and row["texts"]))


def _check_eligible(iri: str, rows: Sequence[Any], methods: Sequence[str]) -> None:
    for name in methods:
        if not METHODS[name].anything and not any(_fits(METHODS[name], row) for row in rows):
            raise InvalidRequest(
                f"aggrMethods: {name} cannot be applied to the values of {iri} (table 4.5.19.1-1); "
                "name the attributes to be aggregated with pick"
            )


def _number(value: Any) -> Any:
    """A whole number without a fraction, as the instances have it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
