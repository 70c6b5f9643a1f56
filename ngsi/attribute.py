"""Attributes, from the wire to their inner form (see `instance`; GS CIM 009, 4.5)."""

from collections.abc import Iterable
from typing import Any, Final

from ngsi.errors import BadRequestData, shown
from ngsi.geometry import looks_like_geometry
from ngsi.instance import REMOVABLE, Instance, dataset, is_null
from ngsi.jsonld import Context
from ngsi.members import MAX_DEPTH, PARSERS, string
from ngsi.terms import (
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

# other spellings of the types: full and compact IRIs, and the name in version 1.7
_RENAMED: Final = {
    **{CORE + name: name for name in KINDS},
    **{f"ngsi-ld:{name}": name for name in KINDS},
    "VocabularyProperty": "VocabProperty",
}
_SKIPPED: Final = IGNORED_MEMBERS | {"type", "@type"}
_WITH_OTHER_NULLS: Final = KINDS.keys() - {"Property", "GeoProperty", "JsonProperty"}  # [NULL] and the like


def parse_attribute(
    name: str, value: Any, context: Context, depth: int = 0, nulls: list[str] | None = None
) -> list[Instance]:
    """The instances of attribute `name`: one, or several when `value` is an array of instances (4.5.5).

    `nulls` is given the name of each member at any depth that is the NGSI-LD null. Raises BadRequestData naming
    attribute, member, value and rule.
    """
    if depth > MAX_DEPTH:
        raise BadRequestData(f"{name}: attributes nest deeper than {MAX_DEPTH}")
    if isinstance(value, list) and value and all(is_instance(item) for item in value):
        instances = [_parse_instance(name, item, context, depth, nulls) for item in value]
        check_datasets(name, map(dataset, instances))
        return instances
    return [_parse_instance(name, value, context, depth, nulls)]


def parse_partial(name: str, body: Any, context: Context) -> Instance:
    """An attribute fragment of a partial update (5.6.4): any members, `type` only when the body says it."""
    if not isinstance(body, dict) or not body:
        raise BadRequestData(f"{name}: {shown(body)} is not an attribute fragment: an object with at least one member")
    kind = kind_of(name, body)
    said = "type" in body or "@type" in body
    if kind is None:
        if said:
            raise BadRequestData(f"{name}.type: {shown(body.get('type'))} is not one of {', '.join(KINDS)}")
        kind = "Relationship" if "objectType" in body else "Property"
    instance: Instance = {"type": kind} if said else {}
    for member, content in body.items():
        parse_member(instance, member, content, kind, name, context)
    return instance


def is_instance(value: Any) -> bool:
    """True for an object that is an attribute instance: it says a type, or holds what bears a value."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type", value.get("@type"))
    if kind is None:
        return not KIND_OF_BEARER.keys().isdisjoint(value)
    return isinstance(kind, str) and (kind in KINDS or kind in _RENAMED)


def check_datasets(name: str, dataset_ids: Iterable[str | None]) -> None:
    """Raises BadRequestData when two instances of attribute `name` have one datasetId (4.5.5)."""
    seen: set[str | None] = set()
    for dataset_id in dataset_ids:
        if dataset_id in seen:
            which = shown(dataset_id or DEFAULT_DATASET)
            raise BadRequestData(
                f"{name}: two instances with datasetId {which}; an instance's datasetId is its own (4.5.5)"
            )
        seen.add(dataset_id)


def check_names(name: str, members: Iterable[str], context: Context) -> None:
    """Raises BadRequestData when two sub-attributes that an instance of attribute `name` has are one (5.5.7)."""
    seen: set[str] = set()
    for member in members:
        iri = context.expand(member)
        if iri in seen:
            raise _same_meaning(f"{name}.{member}", iri)
        seen.add(iri)


def _same_meaning(name: str, iri: str) -> BadRequestData:
    return BadRequestData(f"{name}: the @context gives two names of this attribute one meaning, {iri}")


def _parse_instance(name: str, value: Any, context: Context, depth: int, nulls: list[str] | None) -> Instance:
    kind = kind_of(name, value)
    if kind is None:  # concise: the value alone
        if value is None:
            raise BadRequestData(
                f"{name}: JSON null is no value; delete with {NULL!r} where the operation allows it (4.5.0)"
            )
        if value == NULL and nulls is not None:
            nulls.append(name)
        kind = "GeoProperty" if looks_like_geometry(value) else "Property"
        return {"type": kind, "value": PARSERS[kind]["value"](value, name, "value", context)}
    known = KINDS[kind]
    instance: Instance = {"type": kind}
    if known.bearer not in value:
        raise BadRequestData(f"{name}: a {kind} needs the member {known.bearer!r}")
    parsers = PARSERS[kind]
    for member, content in value.items():
        parse = parsers.get(member)
        if member == "type":
            continue
        if parse is None or content is None or content == NULL:
            parse_member(instance, member, content, kind, name, context, depth, nulls)
        elif (parsed := parse(content, name, member, context)) is not None:
            instance[member] = parsed
    if nulls is not None and kind in _WITH_OTHER_NULLS and is_null(instance):
        nulls.append(known.bearer)
    return instance


def parse_member(
    instance: Instance,
    member: str,
    content: Any,
    kind: str,
    name: str,
    context: Context,
    depth: int = 0,
    nulls: list[str] | None = None,
) -> None:
    if member in _SKIPPED:
        return
    if content == NULL and nulls is not None:
        nulls.append(member)
    if content is None:
        raise BadRequestData(f"{name}.{member}: JSON null is no value (4.5.0)")
    parse = PARSERS[kind].get(member)
    if parse is not None:
        parsed = NULL if content == NULL and member in REMOVABLE else parse(content, name, member, context)
        if parsed is not None:
            instance[member] = parsed
    elif member in TYPED_MEMBERS or (member in PROOF_MEMBERS and not name.endswith(PROOF)):
        raise BadRequestData(f"{name}.{member}: a {kind} has no such member (4.5)")
    elif member in PROOF_MEMBERS:
        instance[member] = string(content, name, member, context)
    elif member == "@context":
        raise _own_context(name)
    else:
        iri = context.sub_attribute(member)
        if iri in instance:
            raise _same_meaning(f"{name}.{member}", iri)
        instance[iri] = parse_attribute(f"{name}.{member}", content, context, depth + 1, nulls)


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
    if not bearers and "@context" in value:
        raise _own_context(name)
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


def _own_context(name: str) -> BadRequestData:
    return BadRequestData(f"{name}.@context: an attribute has none of its own; it stands beside the id (5.5.7)")
