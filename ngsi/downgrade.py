"""Entities for askers who know an earlier version of the standard only (GS CIM 009, 4.3.6.8)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ngsi.entity import Entity
from ngsi.instance import Attributes, Instance, dataset
from ngsi.jsonld import Context
from ngsi.terms import SCOPE

Version = tuple[int, int]
FIRST: Final[Version] = (1, 0)
LATEST: Final[Version] = (1, 9)

# attribute types later than 1.0: the version that brought them, what they become, and how their content does
_KINDS: Final[dict[str, tuple[Version, str, str, str]]] = {
    "LanguageProperty": ((1, 4), "Property", "languageMap", "value"),
    "JsonProperty": ((1, 8), "Property", "json", "value"),
    "VocabProperty": ((1, 8), "Property", "vocab", "value"),
    "ListProperty": ((1, 8), "Property", "valueList", "value"),
    "ListRelationship": ((1, 8), "Relationship", "objectList", "object"),
}
_MEMBERS: Final[dict[str, Version]] = {
    "observedAt": (1, 3),
    "unitCode": (1, 3),
    "datasetId": (1, 3),
    "objectType": (1, 8),
    "expiresAt": (1, 9),
    "valueType": (1, 9),
}
_SCOPE: Final[Version] = (1, 4)
_SEVERAL: Final[Version] = (1, 3)  # several types, several instances of an attribute


def downgraded(entity: Entity, version: Version, context: Context) -> Entity:
    """`entity` as an asker of `version` understands it; the same object when it is understood as it is."""
    changed = replace(
        entity,
        types=downgraded_types(entity.types, version),
        scopes=[] if version < _SCOPE else entity.scopes,
        expires_at=None if version < _MEMBERS["expiresAt"] else entity.expires_at,
        attributes=_attributes(entity.attributes, version, context),
    )
    return entity if changed == entity else changed


def downgraded_types(types: list[str], version: Version) -> list[str]:
    """The types of an entity for an asker of `version`: the first one when he knows no more (note 1)."""
    return types[:1] if version < _SEVERAL else types


def downgraded_evolution(attributes: Attributes, version: Version, context: Context, *, timed: bool) -> Attributes:
    """`attributes` of an evolution as an asker of `version` understands them.

    `timed` instances keep observedAt, which the simplified form shows beside each value.
    """
    members = {"observedAt"} if timed else set()
    return {
        iri: [
            _instance(item, version, context) | {member: item[member] for member in members & item.keys()}
            for item in _known(instances, version)
        ]
        for iri, instances in attributes.items()
        if iri != SCOPE or version >= _SCOPE
    }


def _attributes(attributes: Attributes, version: Version, context: Context) -> Attributes:
    return {
        iri: [_instance(item, version, context) for item in _known(instances, version)]
        for iri, instances in attributes.items()
    }


def _known(instances: list[Instance], version: Version) -> list[Instance]:
    """Those of one datasetId alone when there were no more: of none, else of the first (notes 2, 3)."""
    if version >= _SEVERAL:
        return instances
    kept = min(map(dataset, instances), key=lambda name: name is not None, default=None)
    return [item for item in instances if dataset(item) == kept]


def _instance(instance: Instance, version: Version, context: Context) -> Instance:
    since, kind, bearer, becomes = _KINDS.get(instance["type"], (LATEST, "", "", ""))
    result: Instance = {}
    for member, content in instance.items():
        if ":" in member:
            result |= _attributes({member: content}, version, context)
        elif version < _MEMBERS.get(member, (0, 0)):
            continue
        elif kind and version < since and member in ("type", bearer):
            result[becomes if member == bearer else member] = (
                kind if member == "type" else _CONTENT.get(bearer, _as_it_is)(content, context)
            )
        else:
            result[member] = content
    return result


def _as_it_is(content: Any, _: Context) -> Any:
    return content


def _names(content: Any, context: Context) -> Any:
    return [context.compact(item) for item in content] if isinstance(content, list) else context.compact(content)


def _uris(content: Any, _: Context) -> Any:
    return [item["object"] for item in content]


_CONTENT: Final[dict[str, Callable[[Any, Context], Any]]] = {"vocab": _names, "objectList": _uris}
