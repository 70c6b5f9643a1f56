"""Entities and fragments of them, from the wire to their inner form (GS CIM 009, 4.5.1, 5.2.4)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ngsi import names, times
from ngsi.attribute import Attributes, Instance, is_null, parse_attribute
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.terms import ATTRIBUTE_MEMBERS, GEO_NAMES

ENTITY_IDS = ("id", "@id")
ENTITY_TYPES = ("type", "@type")
_IGNORED = frozenset({"createdAt", "modifiedAt", "deletedAt", "@context"})


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as it is stored: types and attribute names are IRIs, times are UTC."""

    id: str
    types: list[str]
    attributes: Attributes
    scopes: list[str] = field(default_factory=list)
    created_at: datetime | None = None
    modified_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a request says of an entity: any part of it may be missing."""

    id: str | None = None
    types: list[str] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)
    scopes: list[str] | None = None
    expires_at: datetime | None = None

    def with_id(self, entity_id: str) -> "Fragment":
        return replace(self, id=entity_id)


def parse_entity(body: Any, context: Context) -> Fragment:
    """A whole entity (create, upsert): id and type are there, nothing is NGSI-LD null. Raises BadRequestData."""
    fragment = parse_fragment(body, context)
    if fragment.id is None:
        raise BadRequestData("id: an entity needs an id, a URI (5.2.4)")
    if not fragment.types:
        raise BadRequestData(f"type: entity {shown(fragment.id)} needs a type (5.2.4)")
    refuse_null(fragment.attributes)
    return fragment


def parse_fragment(body: Any, context: Context) -> Fragment:
    """Any part of an entity, as updates carry it. Raises BadRequestData."""
    if not isinstance(body, dict):
        raise BadRequestData(f"an entity is a JSON object, not {shown(body)}")
    entity_id: str | None = None
    types: list[str] = []
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    attributes: Attributes = {}
    for name, value in body.items():
        if name in ENTITY_IDS:
            entity_id = names.entity_id(value, name)
        elif name in ENTITY_TYPES:
            types = context.types(value)
        elif name == "scope":
            scopes = names.scopes(value)
        elif name == "expiresAt":
            expires_at = times.date_time(value, name)
        elif name not in _IGNORED:
            _add_attribute(attributes, name, value, context)
    return Fragment(entity_id, types, attributes, scopes, expires_at)


def _add_attribute(attributes: Attributes, name: str, value: Any, context: Context) -> None:
    iri = context.attribute(name)
    if iri in attributes:
        raise BadRequestData(f"{name}: the @context gives two names of this body one meaning, {iri}")
    instances = parse_attribute(name, value, context)
    check_attribute(name, iri, instances)
    attributes[iri] = instances


def check_attribute(name: str, iri: str, instances: list[Instance]) -> None:
    """Raises BadRequestData when `iri` is a GeoProperty by the standard (4.7) and an instance is something else."""
    if iri in GEO_NAMES and any(item["type"] != "GeoProperty" and not is_null(item) for item in instances):
        raise BadRequestData(f"{name}: this is a GeoProperty (4.7), not a {instances[0]['type']}")


def refuse_null(attributes: Attributes) -> None:
    """Raises BadRequestData when an attribute is the NGSI-LD null: there is nothing to delete yet (4.5.0)."""
    for iri, instances in attributes.items():
        for instance in instances:
            if is_null(instance):
                raise BadRequestData(f"{iri}: the NGSI-LD null deletes, which this operation does not do (4.5.0)")
            if not ATTRIBUTE_MEMBERS.issuperset(instance):  # a few have sub-attributes
                refuse_null({key: value for key, value in instance.items() if ":" in key})
