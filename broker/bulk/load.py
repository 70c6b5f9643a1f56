"""`yukitsuri import`: observations of files into history by COPY, the newest of each series into the entities.

A file is done in chunks. Each chunk's readings are stored, then the entities show the newest of them, then the file
is marked as done so far: a restart goes on there, and a chunk that is done twice changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any, Final

from broker.bulk import records
from broker.store import bulk, history
from broker.store.bulk import Progress
from broker.store.changes import Operation, Writer
from broker.store.db import Database
from broker.store.instances import Row, observed_tail, since_2000, to_row
from broker.store.tenants import learn_terms
from ngsi import names, temporal, times
from ngsi.attribute import parse_attribute
from ngsi.errors import BadRequestData, NgsiLdError, shown
from ngsi.instance import Instance, is_null
from ngsi.jsonld import Context
from ngsi.temporal import Evolution
from ngsi.terms import GEO_NAMES, KINDS, NULL, SCOPE

CHUNK: Final = 100_000
_OPERATIONS: Final = 1000
_SPECIAL: Final = GEO_NAMES | {SCOPE}  # their values have a form of their own

# entity id, attribute IRI, datasetId, the rest of the row (see instances.to_row), the instance
Reading = tuple[str, str, str | None, Row, Instance]
Tell = Callable[[Progress, int], None]


@dataclass(slots=True)
class _Chunk:
    """Readings in the order of the file; `lines` is the number of the last one, `read` the bytes up to it."""

    readings: list[Reading] = field(default_factory=list)
    types: dict[str, set[str]] = field(default_factory=dict)  # entity id -> names as the file has them
    refused: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0
    read: int = 0


async def load(
    database: Database, tenant: int, path: Path, context: Context, tell: Tell, refuse: Callable[[int, str], None]
) -> Progress:
    """Import one file from where it was left; `refuse` gets line numbers with reasons.

    Raises UnreadableFile, OSError, and asyncpg's errors when the database fails; what was told as done stays done.
    """
    file = _identity(path)
    progress = await bulk.progress(database, tenant, file)
    writer = Writer(database)
    chunks = _chunks(path, context, progress.lines)
    chunk = await asyncio.to_thread(next, chunks, None)
    while chunk is not None:
        following = asyncio.create_task(asyncio.to_thread(next, chunks, None))  # parsed while the database works
        stored = await _store(database, writer, tenant, chunk, context)
        for number, reason in chunk.refused:
            refuse(number, reason)
        progress = Progress(
            chunk.lines,
            progress.stored + stored,
            progress.known + len(chunk.readings) - stored,
            progress.refused + len(chunk.refused),
        )
        await bulk.done(database, tenant, file, progress)
        tell(progress, chunk.read)
        chunk = await following
    return progress


def _identity(path: Path) -> str:
    stat = path.stat()
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"


async def _store(database: Database, writer: Writer, tenant: int, chunk: _Chunk, context: Context) -> int:
    """An entity that is new comes with its newest readings, in one change; the others take theirs afterwards."""
    current = _newest(chunk.readings)
    fresh = set(await bulk.unknown(database, tenant, current))
    await _apply(
        writer,
        tenant,
        [
            Evolution(
                entity_id, context.types(sorted(chunk.types[entity_id])), attributes if entity_id in fresh else {}
            )
            for entity_id, attributes in current.items()
        ],
    )
    numbers = await bulk.numbers(database, tenant, current)
    names = {item[1] for item in chunk.readings} | {item[2] for item in chunk.readings if item[2] is not None}
    await learn_terms(database, names)
    terms = database.terms
    # two transactions at a time; they share no entity, so that none waits for a reading of the other
    parts: tuple[list[Row], list[Row]] = ([], [])
    for entity_id, iri, dataset, tail, _ in chunk.readings:
        number = numbers[entity_id]
        parts[number % 2].append((number, terms[iri], terms[dataset] if dataset else 0, *tail))
    stored = sum(await asyncio.gather(*(bulk.keep(database, part) for part in parts if part)))
    stored += sum(len(instances) for entity_id in fresh for instances in current[entity_id].values())
    others = [Evolution(entity_id, [], items) for entity_id, items in current.items() if entity_id not in fresh]
    scoped = [str(item.id) for item in others if SCOPE in item.attributes]
    since = {entity_id: await history.scope_since(database, tenant, entity_id) for entity_id in scoped}
    await _apply(writer, tenant, others, since)
    return stored


def _newest(readings: list[Reading]) -> dict[str, dict[str, list[Instance]]]:
    """By entity and attribute the newest instance of each series."""
    newest: dict[tuple[str, str, str | None], Reading] = {}
    for item in readings:
        known = newest.get(item[:3])
        if known is None or known[3][0] < item[3][0]:
            newest[item[:3]] = item
    current: dict[str, dict[str, list[Instance]]] = {}
    for (entity_id, iri, _), (*_, instance) in newest.items():
        current.setdefault(entity_id, {}).setdefault(iri, []).append(instance)
    return current


async def _apply(
    writer: Writer, tenant: int, evolutions: list[Evolution], since: Mapping[str, datetime | None] | None = None
) -> None:
    for start in range(0, len(evolutions), _OPERATIONS):
        operations = [
            Operation(tenant, str(item.id), _adding(item, (since or {}).get(str(item.id))))
            for item in evolutions[start : start + _OPERATIONS]
        ]
        for outcome in await writer.apply(operations):
            if isinstance(outcome, NgsiLdError):
                raise outcome


def _adding(evolution: Evolution, scope_since: datetime | None) -> Any:
    return lambda before, now: temporal.add(before, evolution, now, create=True, scope_since=scope_since)


def _chunks(path: Path, context: Context, skip: int) -> Iterator[_Chunk]:
    lines = (line for line in records.read(path) if line[0] > skip)
    while True:
        chunk, now = _Chunk(), since_2000(datetime.now(UTC))
        for number, columns, read in islice(lines, CHUNK):
            chunk.lines, chunk.read = number, read or chunk.read
            try:
                _add(chunk, columns, context, now)
            except BadRequestData as error:
                chunk.refused.append((number, error.detail))
        if not chunk.lines:
            return
        yield chunk


def _add(chunk: _Chunk, columns: dict[str, Any], context: Context, now: int) -> None:
    entity_id, kind = columns.get("id"), columns.get("type")
    if not (entity_id and kind and columns.get("attribute") and columns.get("observedAt")) or "value" not in columns:
        raise BadRequestData(_lack(columns))
    if not (isinstance(entity_id, str) and isinstance(kind, str) and isinstance(columns["attribute"], str)):
        raise BadRequestData("id, type, attribute: strings are needed")
    types = chunk.types.get(entity_id)
    if types is None or kind not in types:
        context.types(kind)
        types = chunk.types.setdefault(names.entity_id(entity_id), set())
        types.add(kind)
    iri = SCOPE if columns["attribute"] == "scope" else context.attribute(columns["attribute"])
    observed = columns["observedAt"]
    stamp, at = _observed(observed if isinstance(observed, datetime) else str(observed))
    value, unit = _storable(columns["value"]), columns.get("unitCode") or None
    if iri in _SPECIAL or isinstance(value, dict | list) or columns.get("kind") or columns.get("datasetId"):
        instance = _parsed(columns, iri, value, unit, context) | {"observedAt": stamp}
        shown = {**instance, "createdAt": stamp, "modifiedAt": stamp}
        _, _, _, _, _, *rest = to_row(0, 0, 0, shown, None)
        chunk.readings.append((entity_id, iri, instance.get("datasetId"), (at, now, *rest), instance))
        return
    instance = {"type": "Property", "value": value, "observedAt": stamp}
    if unit is not None:
        instance["unitCode"] = _unit(unit)
    chunk.readings.append((entity_id, iri, None, observed_tail(value, unit, at, now), instance))


def _storable(value: Any) -> Any:
    """`value` when it is one of JSON and can be stored; a Parquet file may hold what is not. Raises BadRequestData."""
    if isinstance(value, float) and isfinite(value):
        return value
    if value is None:
        raise BadRequestData("value: the line has none")
    if value == NULL:
        raise BadRequestData("value: the NGSI-LD null deletes, and a file holds observations (4.5.0)")
    if isinstance(value, float):
        raise BadRequestData(f"value: {value} is not a number of JSON")
    if isinstance(value, str) and "\0" in value:
        raise BadRequestData("value: it holds the character U+0000, which cannot be stored")
    if not isinstance(value, str | bool | int):
        records.check_nested(value)
    return value


def _unit(given: Any) -> str:
    if not isinstance(given, str) or "\0" in given:
        raise BadRequestData(f"unitCode: {shown(given)} is not a code of units (4.5.2)")
    return given


def _lack(columns: dict[str, Any]) -> str:
    if "error" in columns:
        return str(columns["error"])
    return f"{next(name for name in records.NEEDED if columns.get(name) in (None, ''))}: the line lacks it"


def _parsed(columns: dict[str, Any], iri: str, value: Any, unit: Any, context: Context) -> Instance:
    kind, dataset, name = columns.get("kind") or None, columns.get("datasetId"), columns["attribute"]
    if kind not in (None, *KINDS):
        raise BadRequestData(f"kind: {shown(kind)} is not one of {', '.join(KINDS)}")
    body = {"value": value} if kind is None else {"type": kind, KINDS[kind].bearer: value}
    body |= {"datasetId": dataset} if dataset else {}
    body |= {"unitCode": _unit(unit)} if unit is not None else {}
    if iri == SCOPE:
        return temporal.parse_evolution({"scope": [{"type": "Property", **body}]}, context).attributes[SCOPE][0]
    instance = parse_attribute(name, body, context)[0]
    if is_null(instance):
        raise BadRequestData("value: the NGSI-LD null deletes, and a file holds observations (4.5.0)")
    if iri in GEO_NAMES and instance["type"] != "GeoProperty":
        raise BadRequestData(f"value: {name} is a GeoProperty (4.7); {shown(value)} is none")
    return instance


@lru_cache(maxsize=65536)
def _observed(value: str | datetime) -> tuple[str, int]:
    """observedAt as text and as microseconds since 2000."""
    try:
        instant = records.instant(value)
        return times.text(instant), since_2000(instant)
    except (ValueError, OverflowError):
        raise BadRequestData(
            f"observedAt: {shown(value)} is not a DateTime with a zone, such as 2026-06-19T12:50:00+09:00"
        ) from None
