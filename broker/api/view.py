"""One answer being made: entities as the asker wants to see them, with those they link to (GS CIM 009, 4.5.23)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from broker.api.presentation import Presentation
from ngsi.downgrade import downgraded
from ngsi.entity import Entity
from ngsi.errors import TooManyResults
from ngsi.expiry import unexpired
from ngsi.geojson import feature, place
from ngsi.jsonld import Context
from ngsi.links import Inline, Joining, targets
from ngsi.representation import Representation, represent, select

_Level = list[tuple[Entity, Representation]]
FindAll = Callable[[list[str]], Awaitable[dict[str, Entity]]]


class View:
    """Shows entities as of `instant` (default: now) with at most `most` linked ones, which `find_all` finds.

    `altered` tells that an earlier version of the standard, which the asker prefers, had less to show.
    """

    def __init__(
        self, find_all: FindAll, context: Context, wanted: Presentation, most: int, instant: datetime | None = None
    ) -> None:
        self.altered = False
        self._find_all = find_all
        self._context = context
        self._wanted = wanted
        self._most = most
        self._now = instant or datetime.now(UTC)

    def prepared(self, entity: Entity) -> Entity:
        """`entity` with nothing in it that the asker may not see: expired, or unknown to the version preferred."""
        entity = unexpired(entity, self._now)
        if self._wanted.version is None:
            return entity
        changed = downgraded(entity, self._wanted.version, self._context)
        self.altered = self.altered or changed is not entity
        return changed

    async def shown(self, roots: Sequence[Entity]) -> list[dict[str, Any]]:
        """The prepared `roots`, one object each, then with join=flat those they link to. Raises TooManyResults."""
        wanted, joining = self._wanted.representation, self._wanted.joining
        if joining is None:
            return [self._body(entity, represent(entity, self._context, wanted)) for entity in roots]
        levels = await self._levels(roots, joining)
        if joining.join == "inline":
            known = {entity.id: entity for level in levels for entity, _ in level}
            inline = Inline(known, self._context, wanted, joining, self._most)
            return [self._body(entity, inline.show(entity)) for entity in roots]
        return [self._body(entity, represent(entity, self._context, form)) for entity, form in _once(levels)]

    def _body(self, entity: Entity, body: dict[str, Any]) -> dict[str, Any]:
        if self._wanted.geometry_property is None or not body:
            return body
        datasets = Representation(datasets=self._wanted.representation.datasets)
        return feature(body, place(select(entity, datasets).attributes, self._wanted.geometry_property))

    async def _levels(self, roots: Sequence[Entity], joining: Joining) -> list[_Level]:
        """The roots, then level by level what they link to, each with the form that the way to it gives."""
        known: dict[str, Entity] = {entity.id: entity for entity in roots}
        levels: list[_Level] = [[(entity, self._wanted.representation) for entity in roots]]
        for _ in range(joining.level):
            found: dict[str, Representation] = {}
            for entity, form in levels[-1]:
                for target, projection in targets(entity, form):
                    if target not in joining.contained_by and target not in found:
                        found[target] = replace(form, attributes=None, projection=projection)
            missing = [target for target in found if target not in known]
            if len(known) + len(missing) > self._most + len(roots):
                raise TooManyResults(f"join: more than {self._most} linked entities; lower joinLevel or limit")
            fetched = await self._find_all(missing)
            known |= {entity_id: self.prepared(entity) for entity_id, entity in fetched.items()}
            levels.append([(known[target], form) for target, form in found.items() if target in known])
        return levels


def _once(levels: list[_Level]) -> _Level:
    """Each entity where it comes first."""
    met: dict[str, tuple[Entity, Representation]] = {}
    for level in levels:
        for entity, form in level:
            met.setdefault(entity.id, (entity, form))
    return list(met.values())
