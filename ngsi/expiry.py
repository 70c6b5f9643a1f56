"""What has expired is never shown, and at some time cleaned away (GS CIM 009, 4.22)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Final

from ngsi import times
from ngsi.change import Change, Draft, unstamped
from ngsi.entity import Entity
from ngsi.instance import Attributes, Instance
from ngsi.terms import ATTRIBUTE_MEMBERS

_LASTING: Final = ATTRIBUTE_MEMBERS - {"expiresAt"}  # an instance with no other member has no sub-attributes


def unexpired(entity: Entity, now: datetime) -> Entity:
    """`entity` without the attribute instances and sub-attributes whose expiresAt is not after `now`."""
    if _is_lasting(entity.attributes):
        return entity
    return replace(entity, attributes=_unexpired(entity.attributes, now))


def expire(before: Entity, now: datetime) -> Change | None:
    """The change that takes away what has expired at `now`; None when nothing has."""
    if before.expires_at is not None and before.expires_at <= now:
        return Draft(before, now).deletion()
    if _is_lasting(before.attributes):
        return None
    draft = Draft(before, now)
    for iri, instances in before.attributes.items():
        for item in instances:
            if _is_over(item, now):
                draft.remove(iri, [item])
            else:
                draft.write(iri, unstamped(_without_expired(item, now)))
    return draft.change() if draft.removed or draft.written else None


def due(entity: Entity) -> datetime | None:
    """When something of `entity` expires next; None for never."""
    instants = [] if _is_lasting(entity.attributes) else list(_instants(entity.attributes))
    if entity.expires_at is not None:
        instants.append(entity.expires_at)
    return min(instants, default=None)


def _instants(attributes: Attributes) -> Iterator[datetime]:
    for instances in attributes.values():
        for instance in instances:
            if "expiresAt" in instance:
                yield times.parse(instance["expiresAt"])
            yield from _instants({member: content for member, content in instance.items() if ":" in member})


def keep(before: Entity | None, now: datetime) -> Change:
    """The rule of the clean-up: nothing to do but what has expired by itself."""
    return Change(before, before)


def _is_lasting(attributes: Attributes) -> bool:
    """True when nothing can expire, told at once of most; this is asked of every entity shown."""
    if _LASTING.issuperset(chain.from_iterable(chain.from_iterable(attributes.values()))):
        return True
    for instances in attributes.values():
        for instance in instances:
            if not _LASTING.issuperset(instance):
                if "expiresAt" in instance:
                    return False
                if not _is_lasting({member: content for member, content in instance.items() if ":" in member}):
                    return False
    return True


def _unexpired(attributes: Attributes, now: datetime) -> Attributes:
    kept = {
        iri: [_without_expired(item, now) for item in instances if not _is_over(item, now)]
        for iri, instances in attributes.items()
    }
    return {iri: instances for iri, instances in kept.items() if instances}


def _is_over(instance: Instance, now: datetime) -> bool:
    return "expiresAt" in instance and times.parse(instance["expiresAt"]) <= now


def _without_expired(instance: Instance, now: datetime) -> Instance:
    nested = {member: content for member, content in instance.items() if ":" in member}
    kept = _unexpired(nested, now)
    return {
        member: kept.get(member, content)
        for member, content in instance.items()
        if member not in nested or member in kept
    }
