"""The members of an attribute instance, each read by its own rule (GS CIM 009, 4.5, 4.6, table 5.2.5 and after).

A rule takes the content of a member, the name of the attribute, that of the member, and the @context; it returns what
is kept, None for nothing, or raises BadRequestData naming attribute, member, value and rule.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from ngsi import times
from ngsi.depth import check_depth
from ngsi.errors import BadRequestData, shown
from ngsi.geometry import geometry
from ngsi.instance import LANGUAGE_NULL
from ngsi.jsonld import Context
from ngsi.names import bounded, is_language_tag, is_uri
from ngsi.terms import COMMON_MEMBERS, DEFAULT_DATASET, KINDS, NULL

MAX_DEPTH: Final = 50
_CONTAINERS: Final = (dict, list)  # a union would be made anew for every value
Parser = Callable[[Any, str, str, Context], Any]


def _geometry(value: Any, name: str, member: str, context: Context) -> Any:
    return value if value == NULL else geometry(_decoded(value, name), f"{name}.value")


def _value(value: Any, name: str, member: str, context: Context) -> Any:
    if isinstance(value, _CONTAINERS):
        check_depth(value, f"{name}.{member}", MAX_DEPTH)
        if _holds_null(value):
            raise BadRequestData(f"{name}.{member}: {NULL!r} within a value deletes, which only a merge does (5.5.4)")
    return value


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(item == NULL or _holds_null(item) for item in value.values())
    return isinstance(value, list) and any(_holds_null(item) for item in value)


def _decoded(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise BadRequestData(f"{name}.value: {shown(value)} is not a GeoJSON geometry") from None


def _object(value: Any, name: str, member: str, context: Context) -> Any:
    if value == [NULL]:
        return NULL
    for item in value if isinstance(value, list) and value else [value]:
        if not isinstance(item, str) or not is_uri(item) or (item == NULL and item is not value):
            raise BadRequestData(f"{name}.object: {shown(item)} is not a URI (4.5.3)")
    return value


def _language_map(value: Any, name: str, member: str, context: Context) -> Any:
    if value in (NULL, LANGUAGE_NULL):
        return dict(LANGUAGE_NULL)
    if not isinstance(value, dict) or not value:
        raise BadRequestData(
            f"{name}.languageMap: {shown(value)} is not an object from language tags to strings (4.5.18)"
        )
    for tag, text in value.items():
        if tag != DEFAULT_DATASET and not is_language_tag(tag):
            raise BadRequestData(
                f"{name}.languageMap: {shown(tag)} is neither a language tag such as ja nor '@none' (4.6.5)"
            )
        texts = text if isinstance(text, list) else [text]
        if not all(isinstance(item, str) for item in texts):
            raise BadRequestData(f"{name}.languageMap.{tag}: {shown(text)} is neither a string nor an array of strings")
        if NULL in texts:
            raise BadRequestData(f"{name}.languageMap.{tag}: {NULL!r} deletes one language, which only a merge does")
    return value


def _vocab(value: Any, name: str, member: str, context: Context) -> Any:
    return NULL if value in (NULL, [NULL]) else _expanded(value, name, "vocab", context)


def _expanded(value: Any, name: str, member: str, context: Context) -> Any:
    values = value if isinstance(value, list) and value else [value]
    if not all(isinstance(item, str) and item and item != NULL for item in values):
        raise BadRequestData(f"{name}.{member}: {shown(value)} is neither a name nor an array of names")
    expanded = [context.expand(item) for item in values]
    return expanded if isinstance(value, list) else expanded[0]


def _value_list(value: Any, name: str, member: str, context: Context) -> Any:
    if value in (NULL, [NULL]):
        return NULL
    if not isinstance(value, list):
        raise BadRequestData(f"{name}.valueList: {shown(value)} is not an array (4.5.21)")
    return _value(value, name, "valueList", context)


def _object_list(value: Any, name: str, member: str, context: Context) -> Any:
    if value in (NULL, [NULL], [{"object": NULL}]):
        return NULL
    if not isinstance(value, list):
        raise BadRequestData(f"{name}.objectList: {shown(value)} is not an array (4.5.22)")
    items = [item["object"] if isinstance(item, dict) and item.keys() == {"object"} else item for item in value]
    for item in items:
        if not isinstance(item, str) or not is_uri(item) or item == NULL:
            raise BadRequestData(f"{name}.objectList: {shown(item)} is neither a URI nor an object with one (4.5.22)")
    return [{"object": item} for item in items]


def _json(value: Any, name: str, member: str, context: Context) -> Any:
    if value != NULL and not isinstance(value, dict | list):
        raise BadRequestData(f"{name}.json: {shown(value)} is neither an object nor an array (4.5.24)")
    check_depth(value, f"{name}.json", MAX_DEPTH)
    return value


def _instant(value: Any, name: str, member: str, context: Context) -> str:
    if isinstance(value, str):
        try:
            return times.canonical(value)
        except (ValueError, OverflowError):
            pass
    return times.text(times.date_time(value, f"{name}.{member}"))


def string(value: Any, name: str, member: str, context: Context) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequestData(f"{name}.{member}: {shown(value)} is not a string")
    return value


def _dataset_id(value: Any, name: str, member: str, context: Context) -> str | None:
    if value == DEFAULT_DATASET:
        return None
    if not isinstance(value, str) or not is_uri(value) or value == NULL:
        raise BadRequestData(f"{name}.{member}: {shown(value)} is neither a URI nor {DEFAULT_DATASET!r} (4.5.5)")
    return bounded(value, f"{name}.{member}")


_MEMBERS: Final[dict[str, Parser]] = {
    "observedAt": _instant,
    "expiresAt": _instant,
    "unitCode": string,
    "datasetId": _dataset_id,
    "objectType": _expanded,
    "valueType": _expanded,
}
_BEARERS: Final[dict[str, Parser]] = {
    "Property": _value,
    "Relationship": _object,
    "GeoProperty": _geometry,
    "LanguageProperty": _language_map,
    "VocabProperty": _vocab,
    "ListProperty": _value_list,
    "ListRelationship": _object_list,
    "JsonProperty": _json,
}
# what each attribute type may hold, and how it is read
PARSERS: Final[dict[str, dict[str, Parser]]] = {
    name: {kind.bearer: _BEARERS[name]}
    | {member: parse for member, parse in _MEMBERS.items() if member in kind.members | COMMON_MEMBERS}
    for name, kind in KINDS.items()
}
