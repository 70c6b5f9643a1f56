"""The entities that a notification's entity is linked to (GS CIM 009, 4.5.23)."""

from broker.store.lookups import Lookups
from ngsi.entity import Entity
from ngsi.links import targets
from ngsi.notification import MOST_LINKED
from ngsi.subscription import NotificationParams


async def linked(lookups: Lookups, tenant: int, root: Entity, params: NotificationParams) -> dict[str, Entity]:
    """By id, as they are now, level by level; of more than can be told the nearest ones."""
    known: dict[str, Entity] = {}
    level = [root]
    for _ in range(params.join_level):
        found = {target for entity in level for target, _ in targets(entity, params.representation)}
        missing = sorted(found - known.keys() - {root.id})[: MOST_LINKED - len(known)]
        if not missing:
            break
        fetched = await lookups.find_all(tenant, missing)
        known |= fetched
        level = list(fetched.values())
    return known
