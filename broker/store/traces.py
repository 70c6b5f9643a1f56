"""What changes leave behind besides readings: earlier types and scopes, series no longer shown, corrections."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import asyncpg

from broker.store.db import Database
from broker.store.instances import columns, to_row
from broker.store.statements import statements
from ngsi import times
from ngsi.change import Change, Correction
from ngsi.instance import Instance
from ngsi.terms import NULL, SCOPE

_PURGE: Final = (
    "purge_history", "purge_past", "purge_life", "purge_graves", "purge_rollup", "purge_due", "purge_open",
    "purge_enrolment",
)  # fmt: skip

Key = tuple[int, str]
Changes = Sequence[tuple[Key, Change]]
Numbers = dict[Key, int]


def with_scope(change: Change) -> Change:
    """`change` with the scope among its readings when the core API changed it (4.5.6: observedAt is modifiedAt)."""
    before = change.before.scopes if change.before else []
    after = change.after.scopes if change.after else []
    if before == after or change.at is None or any(iri == SCOPE for iri, _ in change.written):
        return change
    if SCOPE in {item.attribute for item in change.erased} | {item.attribute for item in change.corrected}:
        return change  # its history is being mended
    stamp = times.text(change.at)
    instance: Instance = {"type": "Property", "value": after or NULL, "createdAt": stamp, "modifiedAt": stamp}
    instance["observedAt" if after else "deletedAt"] = stamp
    return replace(change, written=[*change.written, (SCOPE, instance)], newer=False)


async def clear(
    connection: asyncpg.Connection, database: Database, changes: Changes, numbers: Numbers
) -> list[tuple[Key, Change]]:
    """Take out of history what changes erase and correct; returns the changes that no purge follows."""
    kept: list[tuple[Key, Change]] = []
    for key, change in changes:
        if change.purged:
            kept = [item for item in kept if item[0] != key]
            for name in _PURGE:
                await connection.execute(statements("traces")[name], numbers[key])
            continue
        kept.append((key, change))
        if change.erased or change.corrected:
            await _rectify(connection, database, numbers[key], change)
    return kept


async def leave(
    connection: asyncpg.Connection, database: Database, changes: Changes, numbers: Numbers, stored: dict[Key, Any]
) -> None:
    """Write what the reading and the current entity do not tell. Most groups of changes leave nothing."""
    sql = statements("traces")
    ending = [(key, change) for key, change in changes if change.removed or not change.newer]
    past = _past(database, ending, numbers)
    if past:
        await connection.execute(sql["past"], *zip(*past, strict=True))
    graves = _graves(database, ending, numbers)
    if graves:
        await connection.execute(sql["bury"], *zip(*graves, strict=True))
    lives = _lives(changes, numbers, stored)
    if lives:
        await connection.execute(sql["life"], *zip(*lives, strict=True))


async def forget(connection: asyncpg.Connection, changes: Changes, numbers: Numbers) -> None:
    """Take entities out of the store whose last change is a purge; the log keeps its rows."""
    last = dict(changes)
    gone = [numbers[key] for key, change in last.items() if change.purged]
    if gone:
        await connection.execute(statements("traces")["purge_entity"], gone)


async def _rectify(connection: asyncpg.Connection, database: Database, entity: int, change: Change) -> None:
    for erasure in change.erased:
        dataset = None if erasure.every_dataset else _no(database, erasure.dataset)
        for name in ("erase", "erase_rollups", "erase_graves"):
            sql = statements("traces")[name]
            await connection.execute(sql, entity, database.terms[erasure.attribute], dataset)
    for correction in change.corrected:
        await _correct(connection, database, entity, correction)


async def _correct(connection: asyncpg.Connection, database: Database, entity: int, item: Correction) -> None:
    attribute, dataset = database.terms[item.attribute], _no(database, item.dataset)
    sql = statements("traces")
    # an instant on another chunk cannot be reached by an update, so the row goes and comes back as itself
    gone = await connection.fetchrow(sql["remove"], entity, attribute, dataset, item.at)
    await connection.execute(sql["due"], entity, attribute, dataset, item.at)
    await connection.execute(sql["open_grave"], entity, attribute, dataset, item.at)
    if item.instance is None or gone is None:
        return
    row = to_row(entity, attribute, dataset, item.instance, None)
    await connection.execute(statements("changes")["history"], *columns([row]))
    await connection.execute(sql["restore"], *row[:4], gone["created_at"], gone["instance"])


def _no(database: Database, dataset: str | None) -> int:
    return database.terms[dataset] if dataset else 0


def _past(database: Database, changes: Changes, numbers: Numbers) -> list[tuple[int, int, int]]:
    found: set[tuple[int, int, int]] = set()
    for key, change in changes:
        shown = change.after.attributes if change.after is not None else {}
        for iri, instance in [*change.removed, *(item for item in change.written if item[0] not in shown)]:
            found.add((numbers[key], database.terms[iri], _no(database, instance.get("datasetId"))))
    return sorted(found)


def _graves(database: Database, changes: Changes, numbers: Numbers) -> list[tuple[Any, ...]]:
    """When tombstones were set, and for when: as their rows in history say."""
    rows: list[tuple[Any, ...]] = []
    for key, change in changes:
        gone = [(item, change.at, change.at) for item in change.removed]
        gone += [
            (item, times.parse(item[1]["modifiedAt"]), times.parse(item[1]["deletedAt"]))
            for item in change.written
            if "deletedAt" in item[1]
        ]
        for (iri, instance), set_at, at in gone:
            rows.append((numbers[key], database.terms[iri], _no(database, instance.get("datasetId")), set_at, at))
    return rows


def _lives(changes: Changes, numbers: Numbers, stored: dict[Key, Any]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    gone: dict[Key, datetime] = {key: row["created_at"] for key, row in stored.items() if row["deleted_at"] is not None}
    for key, change in changes:
        before, after = change.before, change.after
        if before is not None and after is not before and (after is None or after.types != before.types):
            until = after.modified_at if after is not None else change.at
            rows.append((numbers[key], until, "\n".join(before.types), before.created_at, False))
            if after is None and before.created_at is not None:
                gone[key] = before.created_at
        elif before is None and after is not None and key in gone:
            rows.append((numbers[key], after.created_at, "\n".join(after.types), gone.pop(key), True))
    return rows
