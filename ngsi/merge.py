"""Merge patch: a fragment merged into an entity down into its values (GS CIM 009, 5.5.12, 5.6.17; RFC 7396).

What a fragment's attribute means can depend on the attribute that is there (a bare value keeps its type), so its
JSON is kept as it came until the target is known.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ngsi import names, times
from ngsi.attribute import check_datasets, check_names, kind_of, parse_member
from ngsi.change import Change, Draft, unstamped
from ngsi.entity import ENTITY_IDS, ENTITY_TYPES, Entity, check_aliases, check_attribute
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.instance import LANGUAGE_NULL, Instance, dataset, is_null
from ngsi.jsonld import Context
from ngsi.meant import KNOWN_MEMBERS, speaks_of_members, speaks_of_sub_attributes
from ngsi.terms import COMMON_MEMBERS, DEFAULT_DATASET, ENTITY_MEMBERS, IGNORED_MEMBERS, KINDS, NULL, PROOF_MEMBERS

_WRAPPED: Final = frozenset({"languageMap", "vocab", "json"})  # simplified values that say what they are (4.5.4)
_NO_ATTRIBUTES: Final = ENTITY_MEMBERS | {"@id", "@type", "@context"}


@dataclass(frozen=True, slots=True)
class MergeFragment:
    """A fragment as JSON, and how to read it.

    `attributes`: IRI to (name, JSON). `simplified`: attributes are bare values. `observed_at` restamps merged
    attributes that had an observedAt; `language` is the key that a string takes in a languageMap.
    """

    id: str | None
    body: dict[str, Any]
    attributes: dict[str, tuple[str, Any]]
    context: Context
    simplified: bool = False
    observed_at: str | None = None
    language: str | None = None


def parse_merge(body: Any, context: Context, **how: Any) -> MergeFragment:
    """Raises BadRequestData for names that are none; values are checked against the target."""
    if not isinstance(body, dict):
        raise BadRequestData(f"an entity is a JSON object, not {shown(body)}")
    check_aliases(body)
    given = next((body[name] for name in ENTITY_IDS if name in body), None)
    attributes: dict[str, tuple[str, Any]] = {}
    for name, value in body.items():
        if name not in _NO_ATTRIBUTES:
            iri = context.attribute(name)
            if iri in attributes:
                raise BadRequestData(f"{name}: the @context gives two names of this body one meaning, {iri}")
            attributes[iri] = (name, value)
    return MergeFragment(None if given is None else names.entity_id(given), body, attributes, context, **how)


def merge(before: Entity | None, fragment: MergeFragment, now: datetime) -> Change:
    """mergeEntity (5.6.17): raises ResourceNotFound, BadRequestData."""
    if before is None:
        raise ResourceNotFound(f"entity {fragment.id or ''} does not exist")
    draft = Draft(before, now)
    _merge_head(draft, fragment)
    for iri, (name, value) in fragment.attributes.items():
        _merge_attribute(draft, iri, name, value, fragment)
    return draft.change()


def _merge_head(draft: Draft, fragment: MergeFragment) -> None:
    body = fragment.body
    for name in ENTITY_TYPES:
        if name in body:
            draft.add_types(fragment.context.types(body[name]))
    if "scope" in body:
        draft.scopes = [] if body["scope"] in (NULL, [NULL]) else names.scopes(body["scope"])
    if "expiresAt" in body:
        given = body["expiresAt"]
        draft.expires_at = None if given == NULL else times.date_time(given, "expiresAt")


def _merge_attribute(draft: Draft, iri: str, name: str, value: Any, fragment: MergeFragment) -> None:
    for dataset_id, item in _by_dataset(name, value, fragment):
        old = draft.find(iri, dataset_id)
        new = _merged(old, item, name, fragment)
        if new is not None:
            if dataset_id is not None:
                new["datasetId"] = dataset_id
            check_attribute(name, iri, [new])
            draft.write(iri, new)
        elif old is not None:
            draft.remove(iri, [old])


def _by_dataset(name: str, value: Any, fragment: MergeFragment) -> list[tuple[str | None, Any]]:
    """The instances that `value` holds: an array of them, by datasetId in the simplified form (4.5.4), or one."""
    if fragment.simplified and isinstance(value, dict) and value.keys() == {"dataset"}:
        datasets = value["dataset"]
        if isinstance(datasets, dict) and all(key == DEFAULT_DATASET or names.is_uri(key) for key in datasets):
            return [(None if key == DEFAULT_DATASET else key, item) for key, item in datasets.items()]
    several = isinstance(value, list) and value and all(_is_instance(item, fragment) for item in value)
    found = [(_dataset_of(item, fragment), item) for item in (value if several else [value])]
    check_datasets(name, [which for which, _ in found if which is None or isinstance(which, str)])
    return found


def _is_instance(value: Any, fragment: MergeFragment) -> bool:
    return not fragment.simplified and isinstance(value, dict) and speaks_of_members(value)


def _is_about_members(old: Instance | None, value: Any, fragment: MergeFragment) -> bool:
    """True when `value` is no bare value, but says what members or sub-attributes become."""
    if fragment.simplified or not isinstance(value, dict):
        return False
    return speaks_of_members(value) or (old is not None and speaks_of_sub_attributes(old, value, fragment.context))


def _dataset_of(value: Any, fragment: MergeFragment) -> str | None:
    found = value.get("datasetId") if _is_instance(value, fragment) else None
    return None if found == DEFAULT_DATASET else found


def _merged(old: Instance | None, value: Any, name: str, fragment: MergeFragment) -> Instance | None:
    """`old` with `value` merged into it, not stamped; None when nothing is left of it."""
    if value == NULL:
        return None
    if not _is_about_members(old, value, fragment):
        return _with_bare_value(old, value, name, fragment)
    new = _as_kind(old or {}, _kind(old, value, name))
    check_names(name, value, fragment.context)
    for member, content in value.items():
        if member not in IGNORED_MEMBERS and member not in ("type", "@type"):
            _merge_member(new, member, content, name, fragment)
    return _finished(new, old, "observedAt" in value, name, fragment)


def _kind(old: Instance | None, value: dict[str, Any], name: str) -> str:
    """The type after the merge: the one said, else the one there is, unless the members are another type's."""
    found = kind_of(name, value)
    if found is None and old is None:
        raise BadRequestData(f"{name}: there is no such attribute yet, so the fragment needs its type and value")
    if old is None or "type" in value or "@type" in value:
        return str(found)
    return str(old["type"] if found is None or KINDS[old["type"]].bearer in value else found)


def _as_kind(old: Instance, kind: str) -> Instance:
    """`old` as a `kind`, without its stamps: members that this type does not have are left behind."""
    allowed = KINDS[kind].members | COMMON_MEMBERS
    return {key: item for key, item in unstamped(old).items() if ":" in key or key in allowed} | {"type": kind}


def _merge_member(new: Instance, member: str, content: Any, name: str, fragment: MergeFragment) -> None:
    kind = new["type"]
    if member == KINDS[kind].bearer:
        _merge_bearer(new, content, name, fragment)
    elif content == NULL and member in KNOWN_MEMBERS and member != "datasetId":
        new.pop(member, None)
    elif member in KNOWN_MEMBERS or member in PROOF_MEMBERS:
        parse_member(new, member, content, kind, name, fragment.context)
    else:
        iri = fragment.context.sub_attribute(member)
        instances = _merged_sub_attribute(new.pop(iri, []), content, f"{name}.{member}", fragment)
        if instances:
            new[iri] = instances


def _merge_bearer(new: Instance, content: Any, name: str, fragment: MergeFragment) -> None:
    """Objects merge member by member (RFC 7396), anything else takes the old one's place."""
    kind = new["type"]
    bearer = KINDS[kind].bearer
    target = new.get(bearer)
    if content == NULL or (kind == "LanguageProperty" and content == LANGUAGE_NULL):
        new[bearer] = NULL
        return
    if isinstance(content, dict) and kind in ("Property", "JsonProperty", "LanguageProperty", "GeoProperty"):
        content = merge_patch(target, content)
        if kind == "LanguageProperty" and not content:  # no language is left
            content = NULL
    parse_member(new, bearer, content, kind, name, fragment.context)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 with the NGSI-LD null in the place of JSON null."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, item in patch.items():
        if item == NULL:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), item)
    return result


def _merged_sub_attribute(old: list[Instance], value: Any, name: str, fragment: MergeFragment) -> list[Instance]:
    instances = list(old)
    for which, item in _by_dataset(name, value, fragment):
        earlier = next((one for one in instances if dataset(one) == which), None)
        new = _merged(earlier, item, name, fragment)
        instances = [one for one in instances if one is not earlier]
        if new is not None:
            instances.append(new)
    return instances


def _with_bare_value(old: Instance | None, value: Any, name: str, fragment: MergeFragment) -> Instance | None:
    if not fragment.simplified:
        kind_of(name, value)  # raises for an object that claims a type there is not
    told = value if _says_kind(value, fragment) else {"value": value}
    kind = str(kind_of(name, told)) if old is None else old["type"]
    bearer = KINDS[kind].bearer
    if bearer in _WRAPPED and _says_kind(value, fragment):
        if bearer not in told:
            raise BadRequestData(f"{name}: a simplified value {shown(value)} is none of a {kind} (4.5.4)")
        value = told[bearer]
    if kind == "LanguageProperty" and isinstance(value, str | list):
        value = {fragment.language or DEFAULT_DATASET: value}
    new = _as_kind(old or {}, kind)
    _merge_bearer(new, value, name, fragment)
    return _finished(new, old, False, name, fragment)


def _says_kind(value: Any, fragment: MergeFragment) -> bool:
    """True for a simplified value that says what it is, by its only member."""
    return fragment.simplified and isinstance(value, dict) and len(value) == 1 and value.keys() <= _WRAPPED


def _finished(
    new: Instance, old: Instance | None, observed: bool, name: str, fragment: MergeFragment
) -> Instance | None:
    bearer = KINDS[new["type"]].bearer
    if bearer not in new:
        raise BadRequestData(f"{name}: a {new['type']} needs the member {bearer!r}")
    if is_null(new):
        return None
    if fragment.observed_at is not None and old is not None and "observedAt" in old and not observed:
        new["observedAt"] = fragment.observed_at
    return new
