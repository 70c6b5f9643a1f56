"""The readings that changes bring, into history: by COPY where none can stand in their place, else row by row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg

from broker.store import copying
from broker.store.instances import AT, Row, columns, to_row
from broker.store.statements import statements
from ngsi import times
from ngsi.change import Change

FEW: Final = 50  # rows; below that a COPY costs as much as the prepared statement


def names(change: Change) -> set[str]:
    """The IRIs of attributes and datasets whose history the change touches."""
    said = [(iri, instance.get("datasetId")) for iri, instance in [*change.written, *change.removed]]
    said += [(item.attribute, item.dataset) for item in change.erased]
    said += [(item.attribute, item.dataset) for item in change.corrected]
    return {name for pair in said for name in pair if name is not None}


def rows(terms: Mapping[str, int], entity: int, change: Change) -> list[Row]:
    """The history rows of a change of entity number `entity`. Raises KeyError for a name that is not in `terms`."""
    found: list[Row] = []
    for items, gone_at in ((change.written, None), (change.removed, change.at)):
        for iri, instance in items:
            dataset = instance.get("datasetId")
            deleted_at = times.parse(instance["deletedAt"]) if "deletedAt" in instance else gone_at
            found.append(to_row(entity, terms[iri], terms[dataset] if dataset else 0, instance, deleted_at))
    return found


async def write(
    connection: asyncpg.Connection, new: Sequence[Row], others: Iterable[Row], copies_from: int | None
) -> int | None:
    """Put rows into history; a reading that is there becomes what its row says, of several the last.

    Those of `new` go by COPY when that is worth it and none is before `copies_from` (None: not at all): raises
    UniqueViolationError when one is there. Returns the earliest instant that went so; no roll-up may be made of it.
    """
    copied = None
    if copies_from is not None and len(new) >= FEW and (earliest := min(row[AT] for row in new)) >= copies_from:
        await copying.copy(connection, new)
        copied, new = earliest, ()
    rows = {row[: AT + 1]: row for row in [*new, *others]}
    if rows:
        await connection.execute(statements("changes")["history"], *columns([*rows.values()]))
    return copied
