"""A group of operations under way: its entities, its changes, and what these write.

Rows and texts of a change are made at once: an entity that is looked at again after a hundred others has left the
processor's cache, and each look costs half as much again.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from broker.store import readings
from broker.store.arrays import scalars, texts
from broker.store.db import Database
from broker.store.entities import entity_of
from broker.store.instances import AT, Row
from broker.store.shapes import storable
from broker.store.tenants import learn_terms
from ngsi.change import Change
from ngsi.entity import Entity
from ngsi.expiry import due
from ngsi.geometry import ewkb
from ngsi.shape import Shape
from ngsi.terms import CORE

_LOCATION: Final = CORE + "location"
_EXPIRES: Final = "expiresAt"
_EXPIRES_IN_BYTES: Final = _EXPIRES.encode()
_FIRST: Final = datetime.min.replace(tzinfo=UTC) + datetime.resolution
_LAST: Final = datetime.max.replace(tzinfo=UTC) - datetime.resolution
_NUMBER: Final = 1  # the entity's column
_KEYS: Final = 4  # columns before those of the change: tenant, number, id, whether it is to be created
_TEXT: Final = 3  # the change's attributes, among its columns
# how each column of statement `write` travels; documents as they are
_LITERALS: Final[tuple[Callable[[Any], Any], ...]] = (
    scalars, scalars, texts, scalars, scalars, texts, texts, texts, list, list, scalars, scalars, scalars, texts, list,
    texts,
)  # fmt: skip

Key = tuple[int, str]


class Group:
    """`stored` holds the locked rows of the entities by key, deleted ones too.

    `numbers` are those of the entities; `new` are history rows that history should not hold yet, `others`, by reading,
    those that it may: they count where both say one. `traced` are the changes that leave more than readings and the
    current entity, `shapes` those that entities have now and had not before, `moves` tells that a geometry may have
    changed, `plans` when something of which entity expires. Other changes, and states, are let go as soon as they are
    written down: memory that is used again at once is still in the processor's cache.
    """

    def __init__(self, database: Database, stored: Mapping[Key, Any]) -> None:
        self._database = database
        self._stored = stored
        self._states: dict[Key, Entity | None] = {}
        self._lasting: set[Key] = set()
        self._mortal: set[Key] = set()
        self._gone: set[Key] = {key for key, row in stored.items() if row["deleted_at"] is not None}
        self._columns: list[tuple[Any, ...]] = []
        self.numbers: dict[Key, int] = {key: row["no"] for key, row in stored.items()}
        self.new: list[Row] = []
        self.others: dict[Row, Row] = {}
        self.traced: list[tuple[Key, Change]] = []
        self.shapes: dict[Key, Shape | None] = {}
        self.moves = False
        self.plans: list[tuple[int, str, datetime]] = []

    def state(self, key: Key) -> Entity | None:
        """The entity as the changes so far leave it; None when there is none."""
        if key not in self._states:
            row: Any = self._stored.get(key)
            there = row is not None and row["deleted_at"] is None
            self._states[key] = entity_of(row, orjson.loads(row["attributes"])) if there else None
            if there and row["expires_at"] is None and _EXPIRES not in row["attributes"]:
                self._lasting.add(key)
        return self._states[key]

    def lasts(self, key: Key) -> bool:
        """True when nothing of the entity expires, told by its text at a tenth of what a look at each member costs."""
        return key in self._lasting

    async def add(self, key: Key, change: Change) -> None:
        """Take a change of the entity; of one that stores anything, the number is known."""
        self._states[key] = change.after
        self._lasting.discard(key)
        if not change.stores:
            return
        if change.erased or change.corrected:
            await learn_terms(self._database, readings.names(change))
        if change.purged:
            self._forget(self.numbers[key])
        else:
            await self._remember(key, change)
        if change.changed:
            self._write(key, change)
        if not change.plain or key in self._gone:
            self.traced.append((key, change))
        if change.after is None:
            self._gone.add(key)

    def close(self, key: Key) -> None:
        """Let the entity's state go: no change of it follows."""
        state = self._states.pop(key, None)
        if key in self._mortal and state is not None and (at := _finite(due(state))):
            self.plans.append((*key, at))

    def _forget(self, number: int) -> None:
        self.new = [row for row in self.new if row[0] != number]
        self.others = {reading: row for reading, row in self.others.items() if row[0] != number}

    async def _remember(self, key: Key, change: Change) -> None:
        certain = change.newer and not change.removed and (change.before is not None or key not in self._gone)
        try:
            rows = readings.rows(self._database.terms, self.numbers[key], change)
        except KeyError:  # a name that is new to this process
            await learn_terms(self._database, readings.names(change))
            rows = readings.rows(self._database.terms, self.numbers[key], change)
        for row in rows:
            reading = row[: AT + 1]
            if certain and reading not in self.others:  # which an entity that went back in time may say again
                self.new.append(row)
            else:
                self.others[reading] = row

    def _write(self, key: Key, change: Change) -> None:
        columns = _columns(change)
        self._columns.append((key[0], self.numbers[key], key[1], key not in self._stored, *columns))
        self.moves = self.moves or change.moves
        text = columns[_TEXT]
        if change.after is None:
            self.shapes.pop(key, None)
            return
        if change.reshaped or key in self.shapes:
            self.shapes[key] = storable(change.after)
        if change.after.expires_at is not None or _EXPIRES_IN_BYTES in text:
            self._mortal.add(key)

    def columns(self) -> list[Any]:
        """What statement `write` takes of the changes of the current entities; nothing when there are none."""
        if not self._columns:
            return []
        columns = list(zip(*self._columns, strict=True))
        last = {number: place for place, number in enumerate(columns[_NUMBER])}
        columns.insert(_KEYS, tuple(last[number] == place for place, number in enumerate(columns[_NUMBER])))
        return [literal(column) for literal, column in zip(_LITERALS, columns, strict=True)]


def _columns(change: Change) -> tuple[Any, ...]:
    shown = change.after or change.before
    assert shown is not None
    operation = "delete" if change.after is None else "create" if change.before is None else "update"
    earlier = change.before.attributes if change.before else {}
    before = {iri: earlier[iri] for iri in change.touched if iri in earlier}
    return (
        operation,
        "\n".join(shown.types),
        "\n".join(shown.scopes) or None,
        orjson.dumps(change.after.attributes) if change.after else None,
        _location(change.after),
        shown.created_at,
        shown.modified_at if change.after else change.at,
        shown.expires_at,
        "\n".join(change.touched),
        orjson.dumps(before) if before else None,
        change.via,
    )


def _finite(instant: datetime | None) -> datetime | None:
    """`instant`, within the calendar's first and last one: those asyncpg takes for infinity, which has no zone."""
    return None if instant is None else min(max(instant, _FIRST), _LAST)


def _location(entity: Entity | None) -> bytes | None:
    for instance in entity.attributes.get(_LOCATION, ()) if entity else ():
        if "datasetId" not in instance and isinstance(instance.get("value"), dict):
            return ewkb(instance["value"])
    return None
