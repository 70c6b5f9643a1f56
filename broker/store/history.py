"""The evolution of entities: which series they have, and the instances of a time range (GS CIM 009, 5.7.3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final

from broker.store.db import Database
from broker.store.instances import FIELDS, from_rows
from broker.store.statements import statements
from broker.store.tenants import find_terms, known_terms
from ngsi import times
from ngsi.errors import TooManyResults
from ngsi.instance import Attributes, Instance
from ngsi.projection import EVERYTHING, Projection
from ngsi.query.temporal import TemporalQuery
from ngsi.temporal import Kept, bare
from ngsi.terms import DEFAULT_DATASET, SCOPE

Series = tuple[int, int, int]

# timeproperty: the column it is kept in, and which rows have it
_AXES: Final = {
    "observedAt": ("at", "h.observed and not h.deleted"),
    "createdAt": ("created_at", "not h.deleted"),
    "modifiedAt": ("modified_at", "not h.deleted"),
    "deletedAt": ("at", "h.deleted"),
}
_ENTITY_AND_ATTRIBUTE: Final = itemgetter(0, 1)


@dataclass(frozen=True, slots=True)
class Known:
    """An entity that history knows, there still or deleted; `series` are its (entity, attribute, dataset) numbers."""

    no: int
    id: str
    types: list[str]
    created_at: datetime
    modified_at: datetime
    deleted_at: datetime | None
    series: list[Series] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instances: the time range, attributes (what pick and omit leave, and the IRIs of
    attrs), datasetIds (`@none` is the default), None for all; and at most how many."""

    temporal: TemporalQuery
    projection: Projection = EVERYTHING
    attributes: frozenset[str] | None = None
    datasets: frozenset[str] | None = None
    limit: int = 10_000
    tombstones: bool = True
    system: bool = True  # with createdAt and modifiedAt


@dataclass(frozen=True, slots=True)
class Found:
    """Attributes by entity number; `first` and `last` are the bounds of what a cut left, None when nothing was cut."""

    attributes: dict[int, Attributes]
    cut: tuple[datetime, datetime] | None = None


@cache
def sql(name: str) -> str:
    """A statement of history.sql."""
    return statements("history")[name].replace(":fields", FIELDS)


async def known(database: Database, tenant: int, entity_id: str) -> Known | None:
    """The entity with its series; None when it was never known."""
    row = await database.ever_known.find(tenant, entity_id)
    if row is None:
        return None
    await _find_names(database, [row])
    return _known(database, row, row["past"] or [])


async def with_series(database: Database, rows: Sequence[Any]) -> list[Known]:
    """Rows of table entity with the series of each, those that it no longer shows included."""
    await _find_names(database, rows)
    past: dict[int, list[tuple[int, int]]] = {}
    for item in await database.readers.fetch(sql("past"), [row["no"] for row in rows]):
        past.setdefault(item["entity"], []).append((item["attribute"], item["dataset"]))
    return [_known(database, row, past.get(row["no"], ())) for row in rows]


async def _find_names(database: Database, rows: Sequence[Any]) -> None:
    names = {name for row in rows for pair in _series_names(row["attributes"]) for name in pair if name}
    await find_terms(database, names)


def _known(database: Database, row: Any, past: Iterable[Sequence[int]]) -> Known:
    terms, no = database.terms, row["no"]
    series: dict[Series, None] = {}
    for iri, dataset in _series_names(row["attributes"]):
        if iri in terms and (dataset is None or dataset in terms):
            series[(no, terms[iri], terms[dataset] if dataset else 0)] = None
    for attribute, number in past:
        series[(no, attribute, number)] = None
    return Known(
        no, row["id"], row["types"], row["created_at"], row["modified_at"], row["deleted_at"], list(series)
    )  # fmt: skip


async def instances(database: Database, entities: Sequence[Known], wanted: Wanted) -> Found:
    """The instances that `wanted` describes: oldest first, with lastN newest first; cut so that none has a gap.

    Raises TooManyResults when there are too many of one instant to cut anywhere.
    """
    series = await chosen(database, entities, wanted)
    query = wanted.temporal
    axis, _ = window(query)
    rows = await _rows(database, series, wanted)
    cut = None
    if len(rows) > wanted.limit:
        border = rows[wanted.limit][axis]
        rows = [row for row in rows if row[axis] != border] or await _of_one_instant(database, series, wanted, border)
        cut = rows[0][axis], rows[-1][axis]
    found = _by_entity(database, rows, system=wanted.system)
    if cut is not None:
        await _add_cut_away(database, found, series, query)
    return Found(found, cut)


async def chosen(database: Database, entities: Iterable[Known], wanted: Wanted) -> list[Series]:
    """The series that the projection leaves."""
    series = [item for entity in entities for item in entity.series]
    iris = await known_terms(database, {no for item in series for no in item[1:]})
    return [
        item
        for item in series
        if (wanted.attributes is None or iris[item[1]] in wanted.attributes)
        and wanted.projection.shows("scope" if iris[item[1]] == SCOPE else iris[item[1]])
        and (wanted.datasets is None or iris.get(item[2], DEFAULT_DATASET) in wanted.datasets)
    ]


async def kept(database: Database, entity: Known, iri: str, number: int) -> tuple[Kept | None, Kept | None]:
    """The instance `number` of attribute `iri`, and the newest other one of its series."""
    await find_terms(database, {iri})
    row = await database.readers.fetchrow(sql("instance"), entity.no, database.terms.get(iri, 0), number)
    if row is None:
        return None, None
    rival = await database.readers.fetchrow(sql("rival"), entity.no, row["attribute"], row["dataset"], number)
    iris = await known_terms(database, {row["attribute"], row["dataset"]})
    return _kept(row, iris), _kept(rival, iris) if rival is not None else None


async def holds(database: Database, entity: Known, iri: str, dataset: str | None, *, every_dataset: bool) -> bool:
    """Whether history has an instance of the attribute in that dataset, or in any."""
    await find_terms(database, {iri, *([dataset] if dataset else [])})
    number = database.terms.get(dataset, -1) if dataset else 0
    attribute = database.terms.get(iri, -1)
    return bool(await database.readers.fetchval(sql("holds"), entity.no, attribute, None if every_dataset else number))


async def scope_since(database: Database, tenant: int, entity_id: str) -> datetime | None:
    """When the current scope of an entity came to hold; None when it never had one."""
    await find_terms(database, {SCOPE})
    number = database.terms.get(SCOPE, -1)
    found: datetime | None = await database.readers.fetchval(sql("scope_since"), tenant, entity_id, number)
    return found


def _kept(row: Any, iris: Mapping[int, str]) -> Kept:
    instance = bare(*from_rows([row], dict(iris)))
    return Kept(iris[row["attribute"]], instance.get("datasetId"), row["at"], row["created_at"], instance)


def _series_names(attributes: Attributes) -> list[tuple[str, str | None]]:
    return [(iri, item.get("datasetId")) for iri, items in attributes.items() for item in items]


def window(query: TemporalQuery, *, tombstones: bool = True) -> tuple[str, str]:
    """The column of the timeproperty, and the condition that an instance h has it."""
    axis, condition = _AXES[query.property]
    if query.relation is None and query.property == "observedAt":
        return axis, "true" if tombstones else "not h.deleted"
    return axis, condition


async def _rows(database: Database, series: list[Series], wanted: Wanted) -> Sequence[Any]:
    """Rows of the window, one more than may be shown, in the order of the timeproperty."""
    query, most = wanted.temporal, wanted.limit + 1
    arrays = [list(column) for column in zip(*series, strict=True)] or [[], [], []]
    attributes = len({item[:2] for item in series})
    shared = [query.last] if query.last and attributes < len(series) else []  # by the series of an attribute
    axis, condition = window(query, tombstones=wanted.tombstones)
    statement = sql("window_last" if shared else "window").replace(":axis", axis).replace(":condition", condition)
    statement = statement.replace(":order", "desc" if query.last else "asc")

    async def fetch(since: datetime | None) -> Sequence[Any]:
        start = max(since, query.start) if since and query.start else since or query.start
        limits = min(query.last or most, most), most, wanted.system, *shared
        async with database.windows:
            return list(await database.by_series.fetch(statement, *arrays, start, query.end, *limits))

    if query.last and query.end is None and axis == "at":
        return await database.reach.newest(series, query.last, query.last * attributes, fetch)
    return await fetch(None)


async def _of_one_instant(database: Database, series: list[Series], wanted: Wanted, instant: datetime) -> Sequence[Any]:
    """All rows of an instant that has more than the limit: who goes on after it would never see the others."""
    most = max(wanted.limit, len(series))  # a series has one reading of an instant, though many may be written at once
    alone = replace(wanted.temporal, start=instant, end=instant + datetime.resolution)
    rows = await _rows(database, series, replace(wanted, temporal=alone, limit=most))
    if len(rows) > most:
        raise TooManyResults(
            f"timeproperty: at {times.text(instant)} there are more than {most} instances, which cannot be told in "
            "parts; ask by observedAt, for fewer attributes (pick), or with lastN"
        )
    return rows


def _by_entity(database: Database, rows: Sequence[Any], *, system: bool) -> dict[int, Attributes]:
    iris = database.term_iris  # `chosen` has asked for those of all series
    lists: dict[tuple[int, int], list[Instance]] = {}
    instances = from_rows(rows, iris, system=system)
    for key, instance in zip(map(_ENTITY_AND_ATTRIBUTE, rows), instances, strict=True):
        lists.setdefault(key, []).append(instance)
    found: dict[int, Attributes] = {}
    for (entity, attribute), items in lists.items():
        found.setdefault(entity, {})[iris[attribute]] = items
    return found


async def _add_cut_away(
    database: Database, found: dict[int, Attributes], series: list[Series], query: TemporalQuery
) -> None:
    axis, condition = window(query)
    statement = sql("present").replace(":axis", axis).replace(":condition", condition)
    arrays = [list(column) for column in zip(*series, strict=True)]
    for row in await database.by_series.fetch(statement, *arrays, query.start, query.end):
        found.setdefault(row["entity"], {}).setdefault(database.term_iris[row["attribute"]], [])
