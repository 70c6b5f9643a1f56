"""Entities as they are answered: normalized, concise, simplified (GS CIM 009, 4.5.1, 4.5.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from ngsi import times
from ngsi.attribute import Instance, dataset
from ngsi.entity import Entity
from ngsi.geometry import looks_like_geometry
from ngsi.jsonld import Context
from ngsi.terms import DEFAULT_DATASET, KINDS

Format = Literal["normalized", "concise", "simplified"]

_SYSTEM: Final = frozenset({"createdAt", "modifiedAt"})
_NAMES: Final = frozenset({"vocab", "objectType", "valueType"})  # members whose content is a name to compact


@dataclass(frozen=True, slots=True)
class Representation:
    """How the asker wants to see entities. `attributes` is the projection (IRIs), None for all."""

    format: Format = "normalized"
    sys_attrs: bool = False
    attributes: frozenset[str] | None = None


def represent(entity: Entity, context: Context, wanted: Representation) -> dict[str, Any]:
    """`entity` in the form that `wanted` says, its names compacted with `context`; without @context."""
    compact = context.compact
    types = [compact(iri) for iri in entity.types]
    body: dict[str, Any] = {"id": entity.id, "type": types[0] if len(types) == 1 else types}
    if entity.scopes:
        body["scope"] = entity.scopes[0] if len(entity.scopes) == 1 else entity.scopes
    if wanted.sys_attrs:
        _add_system_times(body, entity)
    show = _FORMATS[wanted.format]
    for iri, instances in entity.attributes.items():
        if wanted.attributes is None or iri in wanted.attributes:
            body[compact(iri)] = show(instances, context, wanted.sys_attrs)
    return body


def _add_system_times(body: dict[str, Any], entity: Entity) -> None:
    for member, instant in (
        ("createdAt", entity.created_at),
        ("modifiedAt", entity.modified_at),
        ("expiresAt", entity.expires_at),
    ):
        if instant is not None:
            body[member] = times.text(instant)


def _normalized(instances: list[Instance], context: Context, sys_attrs: bool) -> Any:
    if len(instances) == 1:
        return normalized_instance(instances[0], context, sys_attrs)
    return [normalized_instance(item, context, sys_attrs) for item in instances]


def normalized_instance(instance: Instance, context: Context, sys_attrs: bool) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key, value in instance.items():
        if key in _SYSTEM and not sys_attrs:
            continue
        if ":" in key:
            body[context.compact(key)] = _normalized(value, context, sys_attrs)
        elif key in _NAMES:
            body[key] = _compacted(value, context)
        else:
            body[key] = value
    return body


def _compacted(value: Any, context: Context) -> Any:
    return [context.compact(item) for item in value] if isinstance(value, list) else context.compact(value)


def _concise(instances: list[Instance], context: Context, sys_attrs: bool) -> Any:
    if len(instances) == 1:
        return _concise_instance(instances[0], context, sys_attrs)
    # an array of bare values would read as one Property with an array for a value
    return [_concise_instance(item, context, sys_attrs, bare=False) for item in instances]


def _concise_instance(instance: Instance, context: Context, sys_attrs: bool, bare: bool = True) -> Any:
    body: dict[str, Any] = {}
    for key, value in instance.items():
        if key == "type" or (key in _SYSTEM and not sys_attrs):
            continue
        if ":" in key:
            body[context.compact(key)] = _concise(value, context, sys_attrs)
        else:
            body[key] = _compacted(value, context) if key in _NAMES else value
    if bare and body.keys() == {"value"} and _reads_back(body["value"], instance["type"]):
        return body["value"]
    return body


def _reads_back(value: Any, kind: str) -> bool:
    """True when the bare value would be read as the same attribute again."""
    if kind == "GeoProperty":
        return True
    return not isinstance(value, dict | list) or not (looks_like_geometry(value) or _holds_members(value))


def _holds_members(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) for item in items)


def _simplified(instances: list[Instance], context: Context, sys_attrs: bool) -> Any:
    if len(instances) == 1 and dataset(instances[0]) is None:
        return simplified_value(instances[0], context)
    return {"dataset": {dataset(item) or DEFAULT_DATASET: simplified_value(item, context) for item in instances}}


def simplified_value(instance: Instance, context: Context) -> Any:
    bearer = KINDS[instance["type"]].bearer
    value = instance[bearer]
    if bearer == "vocab":
        return {"vocab": _compacted(value, context)}
    if bearer in ("languageMap", "json"):
        return {bearer: value}
    return [item["object"] for item in value] if bearer == "objectList" else value


_FORMATS: Final[dict[Format, Callable[[list[Instance], Context, bool], Any]]] = {
    "normalized": _normalized,
    "concise": _concise,
    "simplified": _simplified,
}
