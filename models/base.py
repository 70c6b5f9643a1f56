"""What every model of the vocabulary shares: one line per attribute, written out as normalized NGSI-LD.

A model is a frozen dataclass. Its attributes are declared with `fixed`, `measured`, `relates` or `qualifier`, which put
the NGSI-LD name and the UN/ECE Rec 20 unit code beside the field. A missing value is None and its attribute is left
out: NGSI-LD has no null, and no sentinel is ever written.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, cast
from urllib.parse import quote

# NGSI-LD's null in the place of a measured value: there is none to tell, and an older one must not stand for it.
WITHHELD: Any = "urn:ngsi-ld:null"
NUMBERS = frozenset({float, int, bool})


class Point(NamedTuple):
    """A position in WGS 84, in degrees, in GeoJSON's order: longitude first."""

    longitude: float
    latitude: float


def fixed(name: str, unit: str = "") -> Any:
    """An attribute that says what the thing is: it carries no observedAt."""
    return field(default=None, metadata={"name": name, "unit": unit})


def measured(name: str, unit: str = "", **qualifiers: str) -> Any:
    """An attribute observed at the entity's instant; `qualifiers` become sub-properties of it."""
    return field(default=None, metadata={"name": name, "unit": unit, "timed": True, "qualifiers": qualifiers})


def relates(name: str) -> Any:
    """A Relationship: the value is the URI of another entity, or a tuple of them."""
    return field(default=None, metadata={"name": name, "kind": "Relationship"})


def qualifier(name: str) -> Any:
    """A sub-property written on every measured attribute of the entity."""
    return field(default=None, metadata={"name": name, "kind": "qualifier"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entity as one message told it.

    `observed_at` is the instant all measured attributes share (aware, any zone; written in UTC). None is for messages
    which only say what a thing is. The attributes in `INSTANTS` repeat that instant, as Smart Data Models ask for.
    """

    TYPE: ClassVar[str] = ""
    INSTANTS: ClassVar[tuple[str, ...]] = ("dateObserved",)

    id: str
    observed_at: datetime | None = None

    def to_ngsi(self) -> dict[str, Any]:
        """The entity as normalized NGSI-LD, without @context."""
        plan = _plan(cast(Hashable, type(self)))
        stamp = {"observedAt": zulu(self.observed_at)} if self.observed_at else {}
        entity: dict[str, Any] = {"id": self.id, "type": self.TYPE}
        if stamp:
            for name in self.INSTANTS:
                # An instant carries itself as observedAt, so that a late message cannot turn it back.
                entity[name] = {"type": "Property", "value": stamp["observedAt"], **stamp}
        common = {name: _property(value) for at, name in plan.qualifiers if (value := getattr(self, at)) is not None}
        for value, attribute in zip(plan.values(self), plan.attributes, strict=True):
            if value is not None:
                entity[attribute.name] = attribute.written(value, stamp, common)
        return entity


class Attribute(NamedTuple):
    """How one field is written."""

    name: str
    kind: str
    unit: dict[str, str]
    timed: bool
    qualifiers: Mapping[str, dict[str, Any]]

    def written(self, value: Any, stamp: Mapping[str, str], common: Mapping[str, Any]) -> dict[str, Any]:
        if type(value) in NUMBERS:  # most are
            if not self.timed:
                return {"type": "Property", "value": value, **self.unit}
            if not self.qualifiers and not common:
                return {"type": "Property", "value": value, **self.unit, **stamp}
        if self.kind == "Relationship":
            return {"type": "Relationship", "object": _plain(value)}
        if value == WITHHELD:
            return {"type": self.kind, "value": WITHHELD, **stamp}
        if isinstance(value, Point):
            geometry = {"type": "Point", "coordinates": [value.longitude, value.latitude]}
            return {"type": "GeoProperty", "value": geometry, **(stamp if self.timed else {})}
        if not self.timed:
            return {"type": "Property", "value": _plain(value), **self.unit}
        return {"type": "Property", "value": _plain(value), **self.unit, **stamp, **self.qualifiers, **common}


class Plan(NamedTuple):
    """The fields of one model, read once from its metadata, and what takes their values out of one."""

    values: Callable[[Any], tuple[Any, ...]]
    attributes: tuple[Attribute, ...]
    qualifiers: tuple[tuple[str, str], ...]


@cache
def _plan(model: Hashable) -> Plan:
    names, attributes, qualifiers = list[str](), list[Attribute](), list[tuple[str, str]]()
    for each in fields(cast(Any, model)):
        if "name" not in each.metadata:
            continue
        if each.metadata.get("kind") == "qualifier":
            qualifiers.append((each.name, each.metadata["name"]))
        else:
            names.append(each.name)
            attributes.append(_attribute(each.metadata))
    # with a single name, attrgetter gives no tuple
    values = attrgetter(*names) if len(names) > 1 else lambda it: tuple(getattr(it, name) for name in names)
    return Plan(values, tuple(attributes), tuple(qualifiers))


def _attribute(metadata: Mapping[str, Any]) -> Attribute:
    return Attribute(
        name=metadata["name"],
        kind=metadata.get("kind", "Property"),
        unit={"unitCode": metadata["unit"]} if metadata.get("unit") else {},
        timed=metadata.get("timed", False),
        qualifiers={name: _property(value) for name, value in metadata.get("qualifiers", {}).items()},
    )


def attribute_names(model: type[Model]) -> set[str]:
    """Every NGSI-LD name the model can write, sub-properties included."""
    plan = _plan(cast(Hashable, model))
    names = set(model.INSTANTS) | {name for _, name in plan.qualifiers}
    return names.union(*({attribute.name, *attribute.qualifiers} for attribute in plan.attributes))


def _property(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": _plain(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return zulu(value)
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items() if member not in (None, "")}
    return list(value) if isinstance(value, tuple) else value


def zulu(instant: datetime) -> str:
    """An aware instant as NGSI-LD wants it: UTC, with Z."""
    return instant.astimezone(UTC).isoformat()[:-6] + "Z"  # the six are +00:00


@lru_cache(16_384)
def urn(entity_type: str, source: str, code: str) -> str:
    """`urn:ngsi-ld:{Type}:{source}:{code}`; whatever a URN cannot hold is percent-encoded."""
    return f"urn:ngsi-ld:{entity_type}:{quote(f'{source}:{code}', safe='-._~:')}"
