"""The shape of an entity: its types and attributes, without their values (GS CIM 009, 5.7.5 to 5.7.10)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ngsi.entity import Entity

_SEVERAL = " +"


@dataclass(frozen=True, slots=True)
class Shape:
    """Types, and attributes as "IRI kind" in the order of code points; " +" follows where there are several instances
    of the attribute, whose number the shape does not tell."""

    types: tuple[str, ...]
    attributes: tuple[str, ...]


@dataclass(slots=True)
class About:
    """What is known of one type or one attribute: how many entities, and what goes with it."""

    count: int = 0
    kinds: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Census:
    """Everything that entities of the given shapes tell: of each type its attributes with their kinds, of each
    attribute its types with the kinds it has there."""

    types: dict[str, About]
    attributes: dict[str, About]


def shape(entity: Entity) -> Shape:
    attributes = {
        f"{iri} {instance['type']}{_SEVERAL if len(instances) > 1 else ''}"
        for iri, instances in entity.attributes.items()
        for instance in instances
    }
    return Shape(tuple(sorted(entity.types)), tuple(sorted(attributes)))


def census(shapes: Iterable[tuple[Shape, int]]) -> Census:
    """What `shapes`, each with the number of entities that have it, tell."""
    types: dict[str, About] = {}
    attributes: dict[str, About] = {}
    for one, count in shapes:
        pairs = [told.removesuffix(_SEVERAL).rsplit(" ", 1) for told in one.attributes]
        for iri in {iri for iri, _ in pairs}:
            attributes.setdefault(iri, About()).count += count
        for name in one.types:
            about = types.setdefault(name, About())
            about.count += count
            for iri, kind in pairs:
                about.kinds.setdefault(iri, set()).add(kind)
                attributes[iri].kinds.setdefault(name, set()).add(kind)
    return Census(types, attributes)
