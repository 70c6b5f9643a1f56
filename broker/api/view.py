"""One answer being made: entities as the asker wants to see them, with those they link to (GS CIM 009, 4.5.23)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import orjson

from broker.api.presentation import Presentation
from broker.api.renderings import Shelf
from broker.store.entities import Version
from ngsi.downgrade import downgraded
from ngsi.entity import Entity
from ngsi.errors import TooManyResults
from ngsi.expiry import unexpired
from ngsi.geojson import feature, place
from ngsi.jsonld import Context
from ngsi.links import Inline, Joining, targets
from ngsi.projection import Projection
from ngsi.representation import Representation, represent, select

_ALONE: Final = Joining("flat", 0)
_Level = list[tuple[Entity, Representation]]
FindAll = Callable[[list[str]], Awaitable[dict[str, Entity]]]


class View:
    """Shows entities as of `instant` (default: now) with at most `most` linked ones, which `find_all` finds.

    What was shown before is taken from the `shelf`, which is there when entities are shown one by one as they are now.
    `altered` tells, once they are shown, that an earlier version of the standard, which the asker prefers, shows them
    otherwise.
    """

    def __init__(
        self,
        find_all: FindAll,
        context: Context,
        wanted: Presentation,
        most: int,
        *,
        instant: datetime | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.altered = False
        self._find_all = find_all
        self._context = context
        self._wanted = wanted
        self._most = most
        self._now = instant or datetime.now(UTC)
        self._shelf = shelf
        self._whole: dict[str, Entity] = {}  # what an earlier version took something from

    def prepared(self, entity: Entity) -> Entity:
        """`entity` with nothing in it that the asker may not see: expired, or unknown to the version preferred."""
        entity = unexpired(entity, self._now)
        if self._wanted.version is None:
            return entity
        changed = downgraded(entity, self._wanted.version, self._context)
        if changed is not entity:
            self._whole[entity.id] = entity
        return changed

    async def shown(self, roots: Sequence[Entity]) -> list[bytes]:
        """JSON of the `roots`, one object each, then with join=flat of those they link to, without entities of which
        nothing is wanted (4.21). Raises TooManyResults."""
        return [text for text in await self._all(roots) if text]

    async def _all(self, roots: Sequence[Entity]) -> list[bytes]:
        if self._wanted.joining is None and self._wanted.version is None:
            return [self._one(entity) for entity in roots]
        joining = self._wanted.joining or _ALONE
        levels = await self._levels([self.prepared(entity) for entity in roots], joining)
        texts = self._texts(levels, joining)
        if self._whole:
            whole = [[(self._whole.get(entity.id, entity), form) for entity, form in level] for level in levels]
            self.altered = texts != self._texts(whole, joining)
        return texts

    async def shown_versions(self, versions: Sequence[Version]) -> list[bytes] | None:
        """JSON of entities, the documents read only of those that are not on the shelf.

        Entities of which nothing is wanted are left out. None when one of them changed meanwhile, for then it may be
        no answer any more.
        """
        assert self._shelf is not None
        texts = {version: self._shelf.get(version) for version in versions}
        unknown = [entity_id for (entity_id, _), text in texts.items() if text is None]
        for entity in (await self._find_all(unknown)).values():
            texts[_version(entity)] = self._one(entity)
        found = [text for version in versions if (text := texts[version]) is not None]
        return list(filter(None, found)) if len(found) == len(versions) else None

    @property
    def is_shelved(self) -> bool:
        return self._shelf is not None

    def _one(self, entity: Entity) -> bytes:
        text = self._shelf.get(_version(entity)) if self._shelf is not None else None
        if text is not None:
            return text
        prepared = self.prepared(entity)
        text = self._text(prepared, represent(prepared, self._context, self._wanted.representation))
        # what depends on the hour is made anew each time
        if self._shelf is not None and prepared is entity:
            self._shelf.keep(_version(entity), text)
        return text

    def _text(self, entity: Entity, body: dict[str, Any]) -> bytes:
        if not body:
            return b""
        if self._wanted.geometry_property is not None:
            datasets = Representation(datasets=self._wanted.representation.datasets)
            body = feature(body, place(select(entity, datasets).attributes, self._wanted.geometry_property))
        return orjson.dumps(body)

    def _texts(self, levels: list[_Level], joining: Joining) -> list[bytes]:
        wanted = self._wanted.representation
        if joining.join == "inline":
            known = {entity.id: entity for level in levels for entity, _ in level}
            inline = Inline(known, self._context, wanted, joining, self._most)
            return [self._text(entity, inline.show(entity)) for entity, _ in levels[0]]
        bodies: dict[str, tuple[Entity, dict[str, Any]]] = {entity.id: (entity, {}) for entity, _ in levels[0]}
        roots = frozenset(bodies)
        for entity, form in chain.from_iterable(levels):
            if entity.id in roots:  # attrs holds for what was asked for, whatever else leads to it
                form = replace(form, attributes=wanted.attributes)
            # once, where it comes first, with the members that any way to it shows
            bodies.setdefault(entity.id, (entity, {}))[1].update(represent(entity, self._context, form))
        return [self._text(entity, body) for entity, body in bodies.values()]

    async def _levels(self, roots: Sequence[Entity], joining: Joining) -> list[_Level]:
        """The roots, then level by level what they link to, each with the form that a way to it gives.

        An entity comes once for each such form, on the first level that has it: what follows then follows from there.
        """
        known: dict[str, Entity] = {entity.id: entity for entity in roots}
        levels: list[_Level] = [[(entity, self._wanted.representation) for entity in roots]]
        met: set[tuple[str, Projection]] = set()
        for _ in range(joining.level):
            found = dict.fromkeys(way for entity, form in levels[-1] for way in targets(entity, form))
            ways = [way for way in found if way not in met and way[0] not in joining.contained_by]
            missing = [target for target in dict.fromkeys(target for target, _ in ways) if target not in known]
            if len(known) + len(missing) > self._most + len(roots):
                raise TooManyResults(f"join: more than {self._most} linked entities; lower joinLevel or limit")
            fetched = await self._find_all(missing)
            known |= {entity_id: self.prepared(entity) for entity_id, entity in fetched.items()}
            levels.append([(known[target], self._linked(projection)) for target, projection in ways if target in known])
            met.update(ways)
        return levels

    def _linked(self, projection: Projection) -> Representation:
        """The form of linked entities, which attrs says nothing about."""
        return replace(self._wanted.representation, attributes=None, projection=projection)


def _version(entity: Entity) -> Version:
    assert entity.modified_at is not None
    return entity.id, entity.modified_at
