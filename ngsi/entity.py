"""Entities and fragments of them, from the wire to their inner form (GS CIM 009, 4.5.1, 5.2.4)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ngsi import names, times
from ngsi.attribute import parse_attribute
from ngsi.errors import BadRequestData, shown
from ngsi.instance import Attributes, Instance, is_null, null_in
from ngsi.jsonld import Context
from ngsi.terms import GEO_NAMES, NULL

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
    """What a request says of an entity: any part of it may be missing.

    `scopes` is empty, and `lasts` says that expiresAt goes, where the NGSI-LD null stands for them. `null` names the
    first thing that such a null deletes, None when there is none.
    """

    id: str | None = None
    types: list[str] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    lasts: bool = False
    null: str | None = None


def parse_entity(body: Any, context: Context) -> Fragment:
    """A whole entity (create, replace): id and type are there, nothing is NGSI-LD null. Raises BadRequestData."""
    fragment = parse_update(body, context)
    refuse_null(fragment)
    return fragment


def parse_update(body: Any, context: Context) -> Fragment:
    """A whole entity that may update one there is (5.6.8): the NGSI-LD null may stand in it. Raises BadRequestData."""
    fragment = parse_fragment(body, context)
    if fragment.id is None:
        raise BadRequestData("id: an entity needs an id, a URI (5.2.4)")
    if not fragment.types:
        raise BadRequestData(f"type: entity {shown(fragment.id)} needs a type (5.2.4)")
    return fragment


def parse_fragment(body: Any, context: Context) -> Fragment:
    """Any part of an entity, as updates carry it. Raises BadRequestData."""
    if not isinstance(body, dict):
        raise BadRequestData(f"an entity is a JSON object, not {shown(body)}")
    entity_id: str | None = None
    types: list[str] = []
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    lasts = False
    attributes: Attributes = {}
    nulls: list[str] = []
    for name, value in body.items():
        if name in ENTITY_IDS:
            entity_id = names.entity_id(value, name)
        elif name in ENTITY_TYPES:
            types = context.types(value)
        elif name == "scope":
            scopes = [] if value in (NULL, [NULL]) else names.scopes(value)
        elif name == "expiresAt":
            lasts = value == NULL
            expires_at = None if lasts else times.date_time(value, name)
        elif name not in _IGNORED:
            _add_attribute(attributes, name, value, context, nulls)
    check_aliases(body)
    null = "scope" if scopes == [] else "expiresAt" if lasts else null_in(attributes) if nulls else None
    return Fragment(entity_id, types, attributes, scopes, expires_at, lasts, null)


def check_aliases(body: dict[str, Any]) -> None:
    """Raises BadRequestData when `body` says its id or its type twice, in two ways (4.4)."""
    for plain, keyword in (ENTITY_IDS, ENTITY_TYPES):
        if keyword in body and body.get(plain, body[keyword]) != body[keyword]:
            raise BadRequestData(f"{plain}: {shown(body[plain])} and {keyword} {shown(body[keyword])} are not the same")


def _add_attribute(attributes: Attributes, name: str, value: Any, context: Context, nulls: list[str]) -> None:
    iri = context.attribute(name)
    if iri in attributes:
        raise BadRequestData(f"{name}: the @context gives two names of this body one meaning, {iri}")
    instances = parse_attribute(name, value, context, nulls=nulls)
    check_attribute(name, iri, instances)
    attributes[iri] = instances


def check_attribute(name: str, iri: str, instances: list[Instance]) -> None:
    """Raises BadRequestData when `iri` is a GeoProperty by the standard (4.7) and an instance is something else."""
    if iri in GEO_NAMES and any(item["type"] != "GeoProperty" and not is_null(item) for item in instances):
        raise BadRequestData(f"{name}: this is a GeoProperty (4.7), not a {instances[0]['type']}")


def refuse_null(fragment: Fragment) -> None:
    """Raises BadRequestData when something is the NGSI-LD null: there is nothing to delete yet (4.5.0)."""
    if fragment.null is not None:
        raise BadRequestData(f"{fragment.null}: the NGSI-LD null deletes, which this operation does not do (4.5.0)")
