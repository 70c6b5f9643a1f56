"""The entities that others are linked to: what a notification shows of them, what a query asks of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from broker.store.lookups import Lookups
from ngsi.entity import Entity
from ngsi.event import Event
from ngsi.links import objects, targets
from ngsi.matching import Matcher
from ngsi.notification import MOST_LINKED, Form
from ngsi.projection import Projection
from ngsi.subscription import NotificationParams


async def linked(lookups: Lookups, tenant: int, root: Entity, params: NotificationParams) -> dict[str, Entity]:
    """By id, as they are now, level by level; of more than can be told the nearest ones (GS CIM 009, 4.5.23)."""
    known = {root.id: root}
    level = [(root, params.representation)]
    met: set[tuple[str, Projection]] = set()
    for _ in range(params.join_level):
        ways = {way for entity, form in level for way in targets(entity, form)} - met
        missing = sorted({target for target, _ in ways} - known.keys())[: 1 + MOST_LINKED - len(known)]
        if missing:
            known |= await lookups.find_all(tenant, missing)
        met |= ways
        level = [
            (known[target], replace(params.representation, attributes=None, projection=projection))
            for target, projection in ways
            if target in known
        ]
    del known[root.id]
    return known


async def parts(
    lookups: Lookups, tenant: int, params: NotificationParams, form: Form, subjects: Sequence[Event | Entity]
) -> Iterable[bytes]:
    """What stands in `data`: each subject, with the entities that it is linked to where join asks for them."""
    if params.join is None:
        return [form.part(one) if isinstance(one, Event) else form.entity(one) for one in subjects]
    found: list[bytes] = []
    for subject in subjects:
        known = await linked(lookups, tenant, subject.entity if isinstance(subject, Event) else subject, params)
        found.extend(form.joined(subject, known))
    return found


async def learn(lookups: Lookups, tenant: int, matches: Matcher, *roots: Entity) -> None:
    """Let `matches` know the entities that its q follows links to from `roots`, as they are now (4.9)."""
    if matches.links:
        known = await _along(lookups, tenant, matches.links, roots)
        matches.known.clear()
        matches.known.update(known)


async def _along(
    lookups: Lookups, tenant: int, chains: Iterable[tuple[str, ...]], roots: Iterable[Entity]
) -> dict[str, Entity]:
    """The entities that `chains` of Relationships lead to, by id, with those on the way."""
    known: dict[str, Entity] = {}
    for chain in chains:
        level = list(roots)
        for iri in chain:
            found = {
                target for one in level for instance in one.attributes.get(iri, ()) for target in objects(instance)
            }
            known |= await lookups.find_all(tenant, sorted(found - known.keys()))
            level = [known[target] for target in found if target in known]
    return known
