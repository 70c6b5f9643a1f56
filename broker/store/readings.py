"""The readings that changes bring, into history: by COPY where none can stand in their place, else row by row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg

from broker.store import copying
from broker.store.instances import AT, Row, columns, to_row
from broker.store.statements import statements
from ngsi import times
from ngsi.change import Change

FEW: Final = 50  # rows; below that a COPY costs as much as the prepared statement, and a look at the mark besides


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


async def write(connection: asyncpg.Connection, new: Sequence[Row], others: Iterable[Row], *, copies: bool) -> None:
    """Put rows into history; a reading that is there becomes what its row says, of several the last.

    With `copies`, those of `new` go by COPY when that is worth it: raises UniqueViolationError when one is there.
    """
    if copies and len(new) >= FEW and await _follow_rollups(connection, new):
        await copying.copy(connection, new)
        new = ()
    rows = {row[: AT + 1]: row for row in [*new, *others]}
    if rows:
        await connection.execute(statements("changes")["history"], *columns([*rows.values()]))


async def _follow_rollups(connection: asyncpg.Connection, rows: Sequence[Row]) -> bool:
    """True when no roll-up is made of the rows' time, so that none is to be told as due.

    A statement of its own: the one that locks sees the mark as it was before it waited.
    """
    mark: int = await connection.fetchval(statements("changes")["rolled_up"])
    earliest: int = min(row[AT] for row in rows)
    return mark <= earliest
