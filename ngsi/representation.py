"""Entities as they are answered: normalized, concise, simplified (GS CIM 009, 4.5.1 to 4.5.5, 4.5.18 to 4.5.24)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from ngsi import times
from ngsi.entity import Entity
from ngsi.forms import FORMS, Format, Plan, simplified_value
from ngsi.instance import Attributes, Instance, dataset
from ngsi.jsonld import Context
from ngsi.language import Languages, translated
from ngsi.projection import EVERYTHING, Projection
from ngsi.terms import DEFAULT_DATASET

__all__ = [
    "Format",
    "Representation",
    "concise_instance",
    "normalized_instances",
    "represent",
    "select",
    "show",
    "simplified_value",
]

_TIMES: Final = (("createdAt", "created_at"), ("modifiedAt", "modified_at"), ("expiresAt", "expires_at"))


@dataclass(frozen=True, slots=True)
class Representation:
    """How the asker wants to see entities.

    `attributes` are the only attributes shown (IRIs, None for all; the parameter attrs); `projection` is what pick
    and omit leave; `datasets` are the datasetIds whose instances are kept (`@none` for the default one, None for all).
    """

    format: Format = "normalized"
    sys_attrs: bool = False
    attributes: frozenset[str] | None = None
    projection: Projection = EVERYTHING
    languages: Languages | None = None
    datasets: frozenset[str] | None = None


def represent(entity: Entity, context: Context, wanted: Representation) -> dict[str, Any]:
    """`entity` in the form that `wanted` says, its names compacted with `context`; without @context."""
    return show(select(entity, wanted), context, wanted)


def select(entity: Entity, wanted: Representation) -> Entity:
    """`entity` with only the attributes and instances that are wanted, in the wanted language."""
    attributes = entity.attributes
    if wanted.datasets is not None:
        attributes = _of_datasets(attributes, wanted.datasets)
    if wanted.attributes is not None:
        attributes = {iri: items for iri, items in attributes.items() if iri in wanted.attributes}
    if wanted.projection is not EVERYTHING:
        attributes = {iri: items for iri, items in attributes.items() if wanted.projection.shows(iri)}
    if wanted.languages is not None:
        attributes = translated(attributes, wanted.languages)
    return entity if attributes is entity.attributes else replace(entity, attributes=attributes)


def _of_datasets(attributes: Attributes, datasets: frozenset[str]) -> Attributes:
    kept = {
        iri: [item for item in instances if (dataset(item) or DEFAULT_DATASET) in datasets]
        for iri, instances in attributes.items()
    }
    return {iri: instances for iri, instances in kept.items() if instances}


def show(entity: Entity, context: Context, wanted: Representation) -> dict[str, Any]:
    """All of `entity` but the members that the projection hides."""
    compact = context.compact
    types = [compact(iri) for iri in entity.types]
    body: dict[str, Any] = {"id": entity.id, "type": types[0] if len(types) == 1 else types}
    if entity.scopes:
        body["scope"] = entity.scopes[0] if len(entity.scopes) == 1 else entity.scopes
    if wanted.sys_attrs:
        for member, name in _TIMES:
            instant = getattr(entity, name)
            if instant is not None:
                body[member] = times.text(instant)
    if wanted.projection is not EVERYTHING:
        body = {member: value for member, value in body.items() if wanted.projection.shows(member)}
    plan = _plan(context, wanted.format, wanted.sys_attrs)
    attribute = plan.attribute
    for iri, instances in entity.attributes.items():
        body[plan[iri][0]] = attribute(instances)
    return body


def normalized_instances(instances: Iterable[Instance], context: Context, sys_attrs: bool) -> list[dict[str, Any]]:
    """Attribute instances, normalized, not to be changed."""
    return list(map(_plan(context, "normalized", sys_attrs).shown, instances))


def concise_instance(instance: Instance, context: Context, sys_attrs: bool) -> dict[str, Any]:
    """One attribute instance in the shortest form that is still an object."""
    body: dict[str, Any] = _plan(context, "concise", sys_attrs).instance(instance)
    return body


@lru_cache(maxsize=256)
def _plan(context: Context, form: Format, sys_attrs: bool) -> Plan:
    return FORMS[form](context, sys_attrs)
