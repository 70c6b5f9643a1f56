"""Entities as NGSIv2 clients read them: the formats x-ngsiv2-normalized and x-ngsiv2-keyValues of notifications."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ngsi.terms import KINDS

Form: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

_MEMBERS: Final = frozenset({"id", "type"})
_NAMES: Final = {
    "Relationship": "Relationship",
    "ListRelationship": "Relationship",
    "GeoProperty": "geo:json",
    "LanguageProperty": "StructuredValue",
    "JsonProperty": "StructuredValue",
    "ListProperty": "StructuredValue",
}
_INSTANTS: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
_SHOWN_AS: Final = {"observedAt": "TimeInstant"}


def normalized(body: dict[str, Any]) -> dict[str, Any]:
    """`body`, an entity in the normalized form of NGSI-LD, as one of NGSIv2: type, value and metadata per attribute.

    NGSIv2 knows one type and one instance: the first ones are given.
    """
    kind = body.get("type")
    types = kind if isinstance(kind, list) else [kind]
    entity: dict[str, Any] = {"id": body.get("id"), "type": types[0]}
    for name, value in body.items():
        if name not in _MEMBERS:
            entity[name] = _attribute(name, value)
    return entity


def key_values(body: dict[str, Any]) -> dict[str, Any]:
    """As `normalized`, with the bare values of the attributes."""
    return {name: value if name in _MEMBERS else value["value"] for name, value in normalized(body).items()}


# names are short here, as the @context of the subscription has them, so compacted ones are the same
FORMS: Final[dict[str, Form]] = {
    "x-ngsiv2-normalized": normalized,
    "x-ngsiv2-normalized-compacted": normalized,
    "x-ngsiv2-keyValues": key_values,
    "x-ngsiv2-keyValues-compacted": key_values,
}


def _attribute(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if not isinstance(value, dict) or value.get("type") not in KINDS:
        kind = "DateTime" if name in _INSTANTS else _plain(value)
        return {"type": kind, "value": value, "metadata": {}}
    bearer = KINDS[value["type"]].bearer
    metadata = {
        _SHOWN_AS.get(member, member): _metadatum(member, content)
        for member, content in value.items()
        if member not in ("type", bearer)
    }
    content = value.get(bearer)
    return {"type": _NAMES.get(value["type"]) or _plain(content), "value": content, "metadata": metadata}


def _metadatum(member: str, content: Any) -> dict[str, Any]:
    if isinstance(content, dict) and content.get("type") in KINDS:
        bare = _attribute(member, content)
        return {"type": bare["type"], "value": bare["value"]}
    return {"type": "DateTime" if member in _INSTANTS else _plain(content), "value": content}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    return "Text" if isinstance(value, str) else "StructuredValue"
