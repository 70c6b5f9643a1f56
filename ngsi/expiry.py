"""What has expired is never shown, however late it is cleaned away (GS CIM 009, 4.22)."""

from dataclasses import replace
from datetime import datetime

from ngsi import times
from ngsi.attribute import Attributes, Instance
from ngsi.entity import Entity


def unexpired(entity: Entity, now: datetime) -> Entity:
    """`entity` without the attribute instances and sub-attributes whose expiresAt is not after `now`."""
    if not any(_expires(item) for instances in entity.attributes.values() for item in instances):
        return entity
    return replace(entity, attributes=_unexpired(entity.attributes, now))


def _expires(instance: Instance) -> bool:
    if "expiresAt" in instance:
        return True
    return any(
        _expires(item)
        for member, content in instance.items()
        if type(content) is list and ":" in member
        for item in content
    )


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
