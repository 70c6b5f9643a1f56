"""The readings that changes bring, into history: by COPY where none can stand in their place, else row by row."""

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import asyncpg

from broker.store import copying
from broker.store.instances import AT, Row, columns, to_row
from broker.store.statements import statements
from ngsi import times
from ngsi.change import Change

_FEW: Final = 20  # rows; a statement that is prepared costs less than a COPY of so few

Key = tuple[int, str]


def rows(
    terms: Mapping[str, int], changes: Sequence[tuple[Key, Change]], numbers: Mapping[Key, int], stored: Container[Key]
) -> tuple[list[Row], list[Row]]:
    """The rows that history should not hold yet, and the others; of several of these for one reading the last counts.

    `stored` are the entities that ever were before these changes.
    """
    new: list[Row] = []
    others: dict[Any, Row] = {}
    for key, change in changes:
        number = numbers[key]
        certain = change.newer and (change.before is not None or key not in stored)
        for items, gone_at in ((change.written, None), (change.removed, change.at)):
            for iri, instance in items:
                dataset = instance.get("datasetId")
                deleted_at = times.parse(instance["deletedAt"]) if "deletedAt" in instance else gone_at
                row = to_row(number, terms[iri], terms[dataset] if dataset else 0, instance, deleted_at)
                if certain and deleted_at is None:
                    new.append(row)
                else:
                    others[row[:4]] = row
    return new, list(others.values())


async def write(connection: asyncpg.Connection, new: list[Row], others: list[Row]) -> None:
    """Put rows into history; a reading that is there becomes what its row of `others` says.

    Raises UniqueViolationError when one of `new` is there.
    """
    sql = statements("changes")
    if new and (len(new) < _FEW or min(row[AT] for row in new) < await connection.fetchval(sql["rolled_up"])):
        new, others = [], [*new, *others]
    if new:
        await copying.copy(connection, new)
    if others:
        await connection.execute(sql["history"], *columns(others))
