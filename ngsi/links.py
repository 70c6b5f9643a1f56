"""Linked entities in an answer: inline and flat (GS CIM 009, 4.5.23)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ngsi.entity import Entity
from ngsi.errors import TooManyResults
from ngsi.instance import Instance
from ngsi.jsonld import Context
from ngsi.projection import Projection
from ngsi.representation import Representation, select, show

Join = Literal["inline", "flat"]


@dataclass(frozen=True, slots=True)
class Joining:
    """How linked entities are shown, how many links deep, and which ids have been met before."""

    join: Join
    level: int = 1
    contained_by: frozenset[str] = frozenset()


def objects(instance: Instance) -> list[str]:
    """The ids that a Relationship or ListRelationship names; of another attribute none."""
    if instance["type"] == "Relationship":
        named = instance["object"]
        return named if isinstance(named, list) else [named]
    if instance["type"] == "ListRelationship":
        return [item["object"] for item in instance["objectList"]]
    return []


def targets(entity: Entity, wanted: Representation) -> Iterator[tuple[str, Projection]]:
    """Ids that the shown attributes of `entity` link to, each with the projection for what it names."""
    for iri, instances in select(entity, wanted).attributes.items():
        named = [target for instance in instances for target in objects(instance)]
        if named:
            projection = wanted.projection.linked(iri)
            yield from ((target, projection) for target in named)


class Inline:
    """Shows entities with the ones they link to inside.

    A chain of links stops before an entity that is already on it. `most` bounds the entities put inside one answer:
    in a dense graph they multiply with every level.
    """

    def __init__(
        self, known: Mapping[str, Entity], context: Context, wanted: Representation, joining: Joining, most: int
    ) -> None:
        self._known = known
        self._context = context
        self._wanted = wanted
        self._joining = joining
        self._left = most

    def show(self, entity: Entity) -> dict[str, Any]:
        """Raises TooManyResults when more than `most` entities would be inside."""
        return self._show(entity, self._wanted, self._joining.level, self._joining.contained_by)

    def _show(self, entity: Entity, wanted: Representation, level: int, chain: frozenset[str]) -> dict[str, Any]:
        selected = select(entity, wanted)
        if level == 0:
            return show(selected, self._context, wanted)
        chain |= {entity.id}
        attributes = {}
        for iri, instances in selected.attributes.items():
            inner = replace(wanted, attributes=None, projection=wanted.projection.linked(iri))
            attributes[iri] = [self._joined(item, inner, level - 1, chain) for item in instances]
        return show(replace(selected, attributes=attributes), self._context, wanted)

    def _joined(self, instance: Instance, wanted: Representation, level: int, chain: frozenset[str]) -> Instance:
        bodies = {
            target: self._one(self._known[target], wanted, level, chain)
            for target in objects(instance)
            if target in self._known and target not in chain
        }
        return _EMBEDDED[wanted.format == "simplified"](instance, bodies) if bodies else instance

    def _one(self, entity: Entity, wanted: Representation, level: int, chain: frozenset[str]) -> dict[str, Any]:
        self._left -= 1
        if self._left < 0:
            raise TooManyResults("join: too many linked entities for one answer; lower joinLevel or limit")
        return self._show(entity, wanted, level, chain)


def _beside(instance: Instance, bodies: Mapping[str, dict[str, Any]]) -> Instance:
    """`instance` with the entities in a member of their own (4.5.3.2, 4.5.22.2)."""
    found = [bodies[target] for target in objects(instance) if target in bodies]
    if instance["type"] == "ListRelationship":
        return {**instance, "entityList": found}
    return {**instance, "entity": found if isinstance(instance["object"], list) else found[0]}


def _instead(instance: Instance, bodies: Mapping[str, dict[str, Any]]) -> Instance:
    """`instance` with the entities in the places of their ids (4.5.4)."""
    found: list[Any] = [bodies.get(target, target) for target in objects(instance)]
    if instance["type"] == "ListRelationship":
        return {**instance, "objectList": [{"object": item} for item in found]}
    return {**instance, "object": found if isinstance(instance["object"], list) else found[0]}


_EMBEDDED: Final = {False: _beside, True: _instead}
