"""One row of the log: what happened to one entity (GS CIM 009, 5.8.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from ngsi.entity import Entity
from ngsi.instance import Attributes, Instance, dataset

CREATED: Final = "attributeCreated"
UPDATED: Final = "attributeUpdated"
DELETED: Final = "attributeDeleted"
_STAMPS: Final = frozenset({"createdAt", "modifiedAt"})


@dataclass
class Event:
    """`attributes` is the entity after the change, `before` its changed attributes as they were.

    `via` names the brokers that the change came by, separated by spaces. `rendered` keeps what was made of the event
    for one subscription, for the others that want the same.
    """

    seq: int
    at: datetime
    tenant: int
    id: str
    types: list[str]
    scopes: list[str] | None
    operation: str
    touched: list[str]
    attributes: Attributes | None
    before: Attributes | None
    created_at: datetime
    modified_at: datetime
    expires_at: datetime | None = None
    via: str | None = None
    rendered: dict[Any, bytes] = field(default_factory=dict)

    @cached_property
    def entity(self) -> Entity:
        """The entity that filters look at: after the change; of a deleted entity its last state."""
        return self._with((self.before or {}) if self.attributes is None else self.attributes)

    @cached_property
    def earlier(self) -> Entity:
        """The entity as it was, for filters on what an attribute's deletion took away."""
        now, before = self.attributes or {}, self.before or {}
        kept = {iri: items for iri, items in now.items() if iri not in self.touched}
        return self._with({**kept, **before})

    def _with(self, attributes: Attributes) -> Entity:
        return Entity(
            self.id, self.types, attributes, self.scopes or [], self.created_at, self.modified_at, self.expires_at
        )

    @cached_property
    def changes(self) -> Mapping[str, frozenset[str]]:
        """What happened to each attribute: the attribute triggers by IRI. A deleted entity has none of its own."""
        if self.attributes is None:
            return {}
        before = self.before or {}
        found = {iri: _changes(before.get(iri, ()), self.attributes.get(iri, ())) for iri in self.touched}
        return {iri: kinds for iri, kinds in found.items() if kinds}

    @cached_property
    def triggers(self) -> frozenset[str]:
        """All triggers that the event pulls, whichever attributes are watched."""
        own = {"create": {"entityCreated"}, "delete": {"entityDeleted"}}.get(self.operation, set())
        return frozenset(own).union(*self.changes.values())


def _changes(before: Any, after: Any) -> frozenset[str]:
    kinds = set()
    old = {dataset(item): item for item in before}
    for item in after:
        earlier = old.pop(dataset(item), None)
        if earlier is None:
            kinds.add(CREATED)
        elif differs(earlier, item):
            kinds.add(UPDATED)
    if old:
        kinds.add(DELETED)
    return frozenset(kinds)


def differs(one: Instance, other: Instance) -> bool:
    """True when two instances say something different, stamps aside."""
    if one == other:
        return False
    if one.keys() - _STAMPS != other.keys() - _STAMPS:
        return True
    for key in one.keys() - _STAMPS:
        if ":" in key:
            if len(one[key]) != len(other[key]) or any(map(differs, one[key], other[key])):
                return True
        elif one[key] != other[key] or type(one[key]) is not type(other[key]):
            return True
    return False
