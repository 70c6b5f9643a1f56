"""Which events a subscription is told of (GS CIM 009, 5.2.12, 5.8.6)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ngsi.entity import Entity
from ngsi.event import DELETED, Event
from ngsi.query.boolean import All
from ngsi.query.entities import EntityQuery
from ngsi.query.match import Predicate, match, match_q, match_scopes
from ngsi.query.q import conditions
from ngsi.query.spatial import match_geo
from ngsi.query.types import TypeSelection
from ngsi.subscription import ATTRIBUTE_TRIGGERS, Subscription


@dataclass(frozen=True, slots=True)
class Matcher:
    """A subscription as clauses; the filters with the names that they have in it.

    `links` are the chains of Relationships (IRIs) that q follows; the entities at their ends are looked for in `known`,
    by id, which the caller fills before.
    """

    expired: Callable[[datetime], bool]
    selects: Predicate
    fires: Callable[[Event], bool]
    deletes: Callable[[Event], bool]  # whether it fires by what the event took away
    filters: tuple[tuple[str, Predicate], ...]
    links: frozenset[tuple[str, ...]] = frozenset()
    known: dict[str, Entity] = field(default_factory=dict)

    def __call__(self, event: Event) -> bool:
        return self.concerns(event) and self._holds(event)

    def concerns(self, event: Event) -> bool:
        """Whether only the filters are left to ask."""
        return self.fires(event) and not self.expired(event.at) and self.selects(event.entity)

    def _holds(self, event: Event) -> bool:
        if not self.filters or self._passes(event.entity):
            return True
        # what a filter needs may be what was deleted
        return self.deletes(event) and self._passes(event.earlier)

    def _passes(self, entity: Entity) -> bool:
        return all(holds(entity) for _, holds in self.filters)


def matcher(subscription: Subscription) -> Matcher:
    """The compiled form of all clauses of `subscription` that look at a change."""
    query, known = subscription.query, dict[str, Entity]()
    chains = [condition.path.links for condition in conditions(query.q)] if query.q is not None else []
    return Matcher(
        subscription.expired,
        match(EntityQuery(query.selectors)),
        _fires(subscription.triggers, subscription.watched),
        _fires(subscription.triggers & {DELETED}, subscription.watched),
        tuple(_filters(query, known)),
        frozenset(tuple(link.attribute for link in links) for links in chains if links),
        known,
    )


def explanation(subscription: Subscription, compiled: Matcher, entity: Entity) -> dict[str, bool]:
    """Each clause with whether it holds for `entity`, were it created with all its attributes now."""
    watched = subscription.watched
    created = {"entityCreated", "attributeCreated", "attributeUpdated"}
    clauses = {"notificationTrigger": not subscription.triggers.isdisjoint(created)}
    if subscription.query.selectors:
        clauses["entities"] = compiled.selects(entity)
    if watched is not None:
        clauses["watchedAttributes"] = not watched.isdisjoint(entity.attributes)
    return clauses | {name: holds(entity) for name, holds in compiled.filters}


def _filters(query: EntityQuery, known: dict[str, Entity]) -> Iterator[tuple[str, Predicate]]:
    if query.scopes is not None:
        yield "scopeQ", match_scopes(query.scopes)
    if query.q is not None:
        yield "q", match_q(query.q, known.get)
    if query.geo is not None:
        yield "geoQ", match_geo(query.geo)


def anchors(node: TypeSelection | None) -> frozenset[str] | None:
    """Types of which every selected entity has at least one; None when there are none such."""
    if node is None:
        return None
    if isinstance(node, str):
        return frozenset({node})
    parts = [anchors(part) for part in node.parts]
    known = [part for part in parts if part is not None]
    if isinstance(node, All):
        return min(known, key=len) if known else None
    return frozenset().union(*known) if len(known) == len(parts) else None


def _fires(triggers: frozenset[str], watched: frozenset[str] | None) -> Callable[[Event], bool]:
    attribute_triggers = triggers & ATTRIBUTE_TRIGGERS
    if watched is None or not attribute_triggers:
        return lambda event: not triggers.isdisjoint(event.triggers)
    entity_triggers = triggers - ATTRIBUTE_TRIGGERS

    def fires(event: Event) -> bool:
        if entity_triggers and not entity_triggers.isdisjoint(event.triggers):
            return True
        changes = event.changes
        return any(not attribute_triggers.isdisjoint(changes[iri]) for iri in watched if iri in changes)

    return fires
