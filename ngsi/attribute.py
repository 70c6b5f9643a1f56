"""One attribute instance, from the wire to its inner form (GS CIM 009, 4.5).

Inner form: a plain dict with the standard's short member names (`type`, `value`, `observedAt`...); sub-attributes
stand beside them under their expanded IRI, each as a list of instances. A key with a colon is thus always an
attribute, a key without one always a member.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from ngsi import times
from ngsi.errors import BadRequestData, shown
from ngsi.geometry import geometry, looks_like_geometry
from ngsi.jsonld import Context
from ngsi.names import is_language_tag, is_uri
from ngsi.terms import (
    ATTRIBUTE_MEMBERS,
    COMMON_MEMBERS,
    CORE,
    DEFAULT_DATASET,
    IGNORED_MEMBERS,
    KIND_OF_BEARER,
    KINDS,
    NULL,
    PROOF,
    PROOF_MEMBERS,
    TYPED_MEMBERS,
)

Instance = dict[str, Any]
Attributes = dict[str, list[Instance]]

# other spellings of the types: full and compact IRIs, and the name in version 1.7
_RENAMED: Final = {
    **{CORE + name: name for name in KINDS},
    **{f"ngsi-ld:{name}": name for name in KINDS},
    "VocabularyProperty": "VocabProperty",
}
_LANGUAGE_NULL: Final = {DEFAULT_DATASET: NULL}
_NULLS: Final[dict[str, Any]] = {
    "LanguageProperty": _LANGUAGE_NULL,
    "ListProperty": [NULL],
    "ListRelationship": [{"object": NULL}],
}
_SKIPPED: Final = IGNORED_MEMBERS | {"type", "@type"}
_REMOVABLE: Final = frozenset({"observedAt", "expiresAt", "unitCode", "objectType", "valueType"})
_MAX_DEPTH: Final = 50


def parse_attribute(name: str, value: Any, context: Context, depth: int = 0) -> list[Instance]:
    """The instances of attribute `name`: one, or several when `value` is an array of instances (4.5.5).

    Raises BadRequestData naming attribute, member, value and rule.
    """
    if depth > _MAX_DEPTH:
        raise BadRequestData(f"{name}: attributes nest deeper than {_MAX_DEPTH}")
    if isinstance(value, list) and value and all(is_instance(item) for item in value):
        instances = [_parse_instance(name, item, context, depth) for item in value]
        _check_datasets(name, instances)
        return instances
    return [_parse_instance(name, value, context, depth)]


def parse_partial(name: str, body: Any, context: Context) -> Instance:
    """An attribute fragment of a partial update (5.6.4): any members, `type` only when the body says it."""
    if not isinstance(body, dict) or not body:
        raise BadRequestData(f"{name}: {shown(body)} is not an attribute fragment: an object with at least one member")
    kind = kind_of(name, body)
    said = "type" in body or "@type" in body
    if kind is None:
        if said:
            raise BadRequestData(f"{name}.type: {shown(body.get('type'))} is not one of {', '.join(KINDS)}")
        kind = "Property"
    instance: Instance = {"type": kind} if said else {}
    for member, content in body.items():
        parse_member(instance, member, content, kind, name, context)
    return instance


def is_null(instance: Instance) -> bool:
    """True for the NGSI-LD null, which deletes (4.5.0)."""
    bearer = instance[KINDS[instance["type"]].bearer]
    return bool(bearer == NULL or (instance["type"] == "LanguageProperty" and bearer == _LANGUAGE_NULL))


def null_of(kind: str) -> Any:
    """The NGSI-LD null as the value of a deleted attribute of type `kind` (4.5.0, 4.5.18, 4.5.21, 4.5.22)."""
    return _NULLS.get(kind, NULL)


def null_in(attributes: Attributes) -> str | None:
    """The IRI or the member that the NGSI-LD null would delete, at any depth; None when there is no such null."""
    for iri, instances in attributes.items():
        for instance in instances:
            if NULL in instance.values() or instance.get("languageMap") == _LANGUAGE_NULL:
                return next((member for member in instance.keys() & _REMOVABLE if instance[member] == NULL), iri)
            if not ATTRIBUTE_MEMBERS.issuperset(instance):  # a few have sub-attributes
                found = null_in({member: content for member, content in instance.items() if ":" in member})
                if found is not None:
                    return found
    return None


def without_nulls(instance: Instance) -> Instance:
    """`instance` without the members and sub-attributes that the NGSI-LD null deletes."""
    result: Instance = {}
    for key, value in instance.items():
        if ":" not in key:
            if value != NULL:
                result[key] = value
            continue
        kept = [without_nulls(item) for item in value if not is_null(item)]
        if kept:
            result[key] = kept
    return result


def dataset(instance: Instance) -> str | None:
    return instance.get("datasetId")


def is_instance(value: Any) -> bool:
    """True for an object that is an attribute instance: it says a type, or holds what bears a value."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type", value.get("@type"))
    if kind is None:
        return not KIND_OF_BEARER.keys().isdisjoint(value)
    return isinstance(kind, str) and (kind in KINDS or kind in _RENAMED)


def _check_datasets(name: str, instances: list[Instance]) -> None:
    seen: set[str | None] = set()
    for instance in instances:
        if dataset(instance) in seen:
            which = shown(dataset(instance) or DEFAULT_DATASET)
            raise BadRequestData(
                f"{name}: two instances with datasetId {which}; an instance's datasetId is its own (4.5.5)"
            )
        seen.add(dataset(instance))


def _parse_instance(name: str, value: Any, context: Context, depth: int) -> Instance:
    kind = kind_of(name, value)
    if kind is None:  # concise: the value alone
        if value is None:
            raise BadRequestData(
                f"{name}: JSON null is no value; delete with {NULL!r} where the operation allows it (4.5.0)"
            )
        kind = "GeoProperty" if looks_like_geometry(value) else "Property"
        return {"type": kind, "value": _PARSERS[kind]["value"](value, name, "value", context)}
    known = KINDS[kind]
    instance: Instance = {"type": kind}
    if known.bearer not in value:
        raise BadRequestData(f"{name}: a {kind} needs the member {known.bearer!r}")
    parsers = _PARSERS[kind]
    for member, content in value.items():
        parse = parsers.get(member)
        if member == "type":
            continue
        if parse is None or content is None:
            parse_member(instance, member, content, kind, name, context, depth)
        elif (parsed := parse(content, name, member, context)) is not None:
            instance[member] = parsed
    return instance


def parse_member(
    instance: Instance, member: str, content: Any, kind: str, name: str, context: Context, depth: int = 0
) -> None:
    if member in _SKIPPED:
        return
    if content is None:
        raise BadRequestData(f"{name}.{member}: JSON null is no value (4.5.0)")
    parse = _PARSERS[kind].get(member)
    if parse is not None:
        parsed = NULL if content == NULL and member in _REMOVABLE else parse(content, name, member, context)
        if parsed is not None:
            instance[member] = parsed
    elif member in TYPED_MEMBERS or (member in PROOF_MEMBERS and not name.endswith(PROOF)):
        raise BadRequestData(f"{name}.{member}: a {kind} has no such member (4.5)")
    elif member in PROOF_MEMBERS:
        instance[member] = _string(content, name, member, context)
    elif member == "@context":
        raise BadRequestData(f"{name}.@context: an attribute has none of its own; it stands beside the id (5.5.7)")
    else:
        instance[context.attribute(member)] = parse_attribute(f"{name}.{member}", content, context, depth + 1)


def kind_of(name: str, value: Any) -> str | None:
    """The attribute type of a JSON value: said, told by its members (concise, 4.5.1), or None for a bare value."""
    if not isinstance(value, dict):
        return None
    said = value["type"] if "type" in value else value.get("@type")
    if isinstance(said, str):
        if said in KINDS:
            return said
        if said in _RENAMED:
            return _RENAMED[said]
    bearers = [member for member in KIND_OF_BEARER if member in value]
    if said is None and len(bearers) < 2:
        if bearers and bearers[0] == "value" and looks_like_geometry(value["value"]):
            return "GeoProperty"
        return KIND_OF_BEARER[bearers[0]] if bearers else None
    if said is None:
        raise BadRequestData(f"{name}: {' and '.join(bearers)} belong to different types; one instance has one (4.5)")
    if not bearers and (_is_typed_value(value) or looks_like_geometry(value)):
        return None
    raise BadRequestData(
        f"{name}.type: {shown(said)} is not one of {', '.join(KINDS)}; an object that is a value and has a type "
        "stands in the member 'value' (4.5.2.3)"
    )


def _is_typed_value(value: dict[str, Any]) -> bool:
    """JSON-LD's way to give a value its type: {"@type": "DateTime", "@value": "..."} (4.6.3)."""
    return "@value" in value and "type" not in value


def check_depth(value: Any, where: str, limit: int = _MAX_DEPTH) -> None:
    """Raises BadRequestData when `value` nests deeper than `limit`."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise BadRequestData(f"{where}: the value nests deeper than {limit}")


def _geometry(value: Any, name: str, member: str, context: Context) -> Any:
    return value if value == NULL else geometry(_decoded(value, name), f"{name}.value")


def _value(value: Any, name: str, member: str, context: Context) -> Any:
    if isinstance(value, dict | list):
        check_depth(value, f"{name}.{member}")
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
    if value in (NULL, _LANGUAGE_NULL):
        return dict(_LANGUAGE_NULL)
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
    check_depth(value, f"{name}.json")
    return value


def _instant(value: Any, name: str, member: str, context: Context) -> str:
    if isinstance(value, str):
        try:
            return times.canonical(value)
        except (ValueError, OverflowError):
            pass
    return times.text(times.date_time(value, f"{name}.{member}"))


def _string(value: Any, name: str, member: str, context: Context) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequestData(f"{name}.{member}: {shown(value)} is not a string")
    return value


def _dataset_id(value: Any, name: str, member: str, context: Context) -> str | None:
    if value == DEFAULT_DATASET:
        return None
    if not isinstance(value, str) or not is_uri(value) or value == NULL:
        raise BadRequestData(f"{name}.{member}: {shown(value)} is neither a URI nor {DEFAULT_DATASET!r} (4.5.5)")
    return value


_Parser = Callable[[Any, str, str, Context], Any]
_MEMBERS: Final[dict[str, _Parser]] = {
    "observedAt": _instant,
    "expiresAt": _instant,
    "unitCode": _string,
    "datasetId": _dataset_id,
    "objectType": _expanded,
    "valueType": _expanded,
}
_BEARERS: Final[dict[str, _Parser]] = {
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
_PARSERS: Final[dict[str, dict[str, _Parser]]] = {
    name: {kind.bearer: _BEARERS[name]}
    | {member: parse for member, parse in _MEMBERS.items() if member in kind.members | COMMON_MEMBERS}
    for name, kind in KINDS.items()
}
