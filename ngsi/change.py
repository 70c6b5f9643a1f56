"""What an operation does to one entity, gathered while its rule runs (GS CIM 009, 5.6)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from ngsi import times
from ngsi.entity import Entity
from ngsi.instance import Attributes, Instance, dataset
from ngsi.terms import ATTRIBUTE_MEMBERS


@dataclass(frozen=True, slots=True)
class Erasure:
    """History that goes without a trace: one attribute's, of one datasetId (None: the default) or of every one."""

    attribute: str
    dataset: str | None = None
    every_dataset: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """The history instance at `at` becomes `instance`, with its instanceId and createdAt, or goes (None)."""

    attribute: str
    dataset: str | None
    at: datetime
    instance: Instance | None


@dataclass(frozen=True, slots=True)
class Change:
    """The entity before and after, and what goes to history.

    `written` holds attribute instances that are new readings (late ones included, which do not touch the current
    entity); `removed` names instances that are gone. `not_updated` is the `notUpdated` list of an UpdateResult:
    (attribute IRI, reason). `erased` and `corrected` change history itself; `purged` takes the entity out of
    the store with all its history. `touched` are the IRIs of the attributes that the current entity shows in another
    way than before; `reshaped` tells that types, attributes or their kinds may be others, `moves` that a geometry may.
    `newer` tells that each reading of `written` follows the one that was current, so that history can hold none in its
    place (unless history knows more than the current entity; it is a hint).
    `at` is the instant of the change; `via` names the brokers that it came by.
    """

    before: Entity | None
    after: Entity | None
    written: list[tuple[str, Instance]] = field(default_factory=list)
    removed: list[tuple[str, Instance]] = field(default_factory=list)
    not_updated: list[tuple[str, str]] = field(default_factory=list)
    erased: list[Erasure] = field(default_factory=list)
    corrected: list[Correction] = field(default_factory=list)
    purged: bool = False
    touched: list[str] = field(default_factory=list)
    reshaped: bool = False
    moves: bool = False
    newer: bool = False
    at: datetime | None = None
    via: str | None = None

    @property
    def stores(self) -> bool:
        """True when there is anything to store."""
        return self.changed or self.purged or bool(self.written or self.erased or self.corrected)

    @property
    def changed(self) -> bool:
        """True when the current entity differs from before; late readings alone change history only."""
        return self.after is not self.before

    @property
    def plain(self) -> bool:
        """True when readings and the current entity tell all of it, provided that there never was such an entity
        before one that it creates."""
        if not self.newer or self.removed or self.erased or self.corrected or self.after is None:
            return False
        return self.before is None or self.before.types == self.after.types

    @property
    def created(self) -> bool:
        return self.before is None and self.after is not None


class Draft:
    """An entity being rewritten. Instances that say nothing new are left as they are, stamps included."""

    def __init__(self, before: Entity | None, now: datetime) -> None:
        # two changes of one entity never share an instant, whatever the clocks of two processes say
        if before is not None and before.modified_at is not None and before.modified_at >= now:
            now = before.modified_at + (datetime.resolution)
        self.before = before
        self.now = now
        self.stamp = times.text(now)
        self.attributes: Attributes = dict(before.attributes) if before else {}
        self.types = list(before.types) if before else []
        self.scopes = list(before.scopes) if before else []
        self.expires_at = before.expires_at if before else None
        self.written: list[tuple[str, Instance]] = []
        self.removed: list[tuple[str, Instance]] = []
        self.not_updated: list[tuple[str, str]] = []
        self._touched: dict[str, None] = {}
        self._reshaped = before is None
        self._moves = before is None
        self._newer = True

    def later(self) -> None:
        """Move on by the least step of time: two instances that name no time must not share one."""
        self.now += datetime.resolution
        self.stamp = times.text(self.now)

    def add_types(self, types: list[str]) -> None:
        self.types = list(dict.fromkeys([*self.types, *types]))

    def find(self, iri: str, dataset_id: str | None) -> Instance | None:
        for instance in self.attributes.get(iri, ()):
            if dataset(instance) == dataset_id:
                return instance
        return None

    def write(self, iri: str, instance: Instance, keep_newest: bool = False, *, repeat: bool = False) -> None:
        """Put `instance` in the place of the one with its datasetId, or beside the others.

        With `repeat` it is written although it says nothing new.
        """
        old = self.find(iri, dataset(instance))
        if old is None:
            self._newer = self._newer and self.before is None
        elif not repeat and _same(old, instance):
            return
        elif keep_newest and is_older(instance, old):
            self.remember(iri, instance)
            return
        new = stamped(instance, old, self.stamp)
        self._newer = self._newer and (old is None or _follows(new, old))
        self.show(iri, old, new)
        self.written.append((iri, new))

    def remember(self, iri: str, instance: Instance) -> None:
        """Let `instance` go to history only."""
        self._newer = False
        self.written.append((iri, stamped(instance, None, self.stamp)))

    def show(self, iri: str, old: Instance | None, new: Instance) -> None:
        """Let `new`, stamped, be current in the place of `old`; no reading goes to history."""
        self._touched[iri] = None
        shown = self.attributes.get(iri, ())
        kind = new["type"]
        if old is None:
            self.attributes[iri] = [*shown, new]
            self._reshaped = True
        else:
            self.attributes[iri] = [new] if len(shown) == 1 else [new if item is old else item for item in shown]
            if old["type"] != kind:
                self._reshaped = True
                self._moves = self._moves or old["type"] == "GeoProperty"
        if kind == "GeoProperty":
            self._moves = True

    def remove(self, iri: str, gone: list[Instance]) -> None:
        self.drop(iri, gone)
        self.removed.extend((iri, item) for item in gone)

    def drop(self, iri: str, gone: list[Instance]) -> None:
        """Take instances from the current entity without the trace that a deletion leaves."""
        kept = [item for item in self.attributes[iri] if not any(item is other for other in gone)]
        if kept:
            self.attributes[iri] = kept
        else:
            del self.attributes[iri]
        self._touched[iri] = None
        self._moves |= any(item["type"] == "GeoProperty" for item in gone)
        self._reshaped = True

    def change(self) -> Change:
        after = self._after()
        return Change(
            self.before,
            after,
            self.written,
            self.removed,
            self.not_updated,
            touched=list(self._touched),
            reshaped=self._reshaped or (self.before is not None and self.before.types != self.types),
            moves=self._moves,
            newer=self._newer,
            at=self.now,
        )

    def deletion(self) -> Change:
        """The change that takes the whole entity away."""
        gone = [(iri, item) for iri, items in self.attributes.items() for item in items]
        shown = list(self.attributes)
        return Change(self.before, None, removed=gone, touched=shown, reshaped=True, moves=True, at=self.now)

    def _after(self) -> Entity | None:
        before = self.before
        if before is None:
            return Entity("", self.types, self.attributes, self.scopes, self.now, self.now, self.expires_at)
        head = (self.types, self.scopes, self.expires_at)
        if not self._touched and head == (before.types, before.scopes, before.expires_at):
            return before
        return Entity(before.id, self.types, self.attributes, self.scopes, before.created_at, self.now, self.expires_at)


def stamped(new: Instance, old: Instance | None, stamp: str) -> Instance:
    """`new` with createdAt and modifiedAt, on sub-attributes too; createdAt survives from `old` (4.8)."""
    result = dict(new)
    if not ATTRIBUTE_MEMBERS.issuperset(new):  # a few have sub-attributes
        for key, value in new.items():
            if ":" in key:
                earlier = {dataset(item): item for item in old.get(key, ())} if old else {}
                result[key] = [_restamped(item, earlier.get(dataset(item)), stamp) for item in value]
    result["createdAt"] = old["createdAt"] if old and "createdAt" in old else stamp
    result["modifiedAt"] = stamp
    return result


def _restamped(new: Instance, old: Instance | None, stamp: str) -> Instance:
    return old if old is not None and _same(old, new) else stamped(new, old, stamp)


def unstamped(instance: Instance) -> Instance:
    """`instance` as a request would say it: without createdAt and modifiedAt, at every depth."""
    return {
        key: [unstamped(item) for item in value] if ":" in key else value
        for key, value in instance.items()
        if key not in ("createdAt", "modifiedAt")
    }


def _same(old: Instance, new: Instance) -> bool:
    """True when `new` (not yet stamped) says exactly what `old` (stamped) says."""
    if len(old) != len(new) + 2 or old.get("observedAt") != new.get("observedAt"):  # most differ in these
        return False
    for key, value in new.items():
        if key not in old:
            return False
        if ":" in key:
            if len(old[key]) != len(value) or not all(map(_same, old[key], value)):
                return False
        elif old[key] != value or not (isinstance(value, str) or _exact(old[key]) == _exact(value)):
            return False
    return True


def _exact(value: Any) -> bytes:
    """Python holds 1, 1.0 and True for equal; JSON does not."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _follows(new: Instance, old: Instance) -> bool:
    """True when the time of `new` is after that of `old`; where a fraction of a second makes texts sort otherwise than
    times, a hint may be wrong."""
    at: str = new.get("observedAt") or new["modifiedAt"]
    earlier: str = old.get("observedAt") or old["modifiedAt"]
    return earlier < at


def is_older(new: Instance, old: Instance) -> bool:
    if "observedAt" not in new or "observedAt" not in old:
        return False
    return times.parse(new["observedAt"]) < times.parse(old["observedAt"])
