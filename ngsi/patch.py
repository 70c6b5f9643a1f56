"""The rules of provision: `(before, fragment, now) -> Change`, or an error (GS CIM 009, 5.6).

Pure functions; what is stored and who is told follows from the Change they return.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from ngsi.change import Change, Draft, is_older, unstamped
from ngsi.entity import Entity, Fragment, refuse_null
from ngsi.errors import AlreadyExists, BadRequestData, ResourceNotFound
from ngsi.geometry import geometry
from ngsi.instance import Instance, dataset, is_null, without_nulls
from ngsi.terms import KINDS, SCOPE, TYPED_MEMBERS


def create(before: Entity | None, fragment: Fragment, now: datetime) -> Change:
    """createEntity (5.6.1): raises AlreadyExists."""
    if before is not None:
        raise AlreadyExists(f"id: entity {before.id} exists already (5.6.1)")
    draft = Draft(None, now)
    _replace_all(draft, fragment)
    return _named(draft.change(), fragment)


def upsert(
    before: Entity | None, fragment: Fragment, now: datetime, *, update: bool = False, keep_newest: bool = False
) -> Change:
    """One entity of a batch upsert (5.6.8): replaced, or with `update` overwritten attribute by attribute.

    `keep_newest` (ours): a reading older than the one stored goes to history only, and a null with an observedAt
    takes away no reading newer than that; that there is none is no fault then. Otherwise an update may hold the
    NGSI-LD null only of an entity that is there.
    """
    may_delete = update and (before is not None or keep_newest)
    if not may_delete:
        refuse_null(fragment)
    draft = Draft(before, now)
    if may_delete:
        _write_all(draft, fragment, keep_newest)
    else:
        _replace_all(draft, fragment, keep_newest)
    return _named(draft.change(), fragment)


def replace_entity(before: Entity | None, fragment: Fragment, now: datetime) -> Change:
    """replaceEntity (5.6.18): everything but createdAt."""
    draft = Draft(_existing(before, fragment), now)
    _replace_all(draft, fragment)
    return draft.change()


def append(before: Entity | None, fragment: Fragment, now: datetime, *, no_overwrite: bool = False) -> Change:
    """appendAttrs (5.6.3), and one entity of a batch update (5.6.9)."""
    draft = Draft(_existing(before, fragment), now)
    if not no_overwrite:
        _write_all(draft, fragment)
        return draft.change()
    refuse_null(fragment)
    draft.add_types(fragment.types)
    for scope in fragment.scopes or ():
        if scope not in draft.scopes:
            draft.scopes.append(scope)
    for iri, instances in fragment.attributes.items():
        fresh = [item for item in instances if draft.find(iri, dataset(item)) is None]
        if len(fresh) < len(instances):
            draft.not_updated.append((iri, "exists already, and noOverwrite was asked for (5.6.3)"))
        for item in fresh:
            draft.write(iri, item)
    return draft.change()


def update(before: Entity | None, fragment: Fragment, now: datetime) -> Change:
    """updateAttrs of an entity (5.6.2): whole instances are replaced, missing ones added, the NGSI-LD null deletes."""
    draft = Draft(_existing(before, fragment), now)
    draft.add_types(fragment.types)
    if fragment.lasts or fragment.expires_at is not None:
        draft.expires_at = fragment.expires_at
    if fragment.scopes is not None:
        if draft.scopes:
            draft.scopes = fragment.scopes
        else:
            draft.not_updated.append((SCOPE, "the entity has no scope to update (5.6.2)"))
    _write_instances(draft, fragment)
    return draft.change()


def partial_update(before: Entity | None, iri: str, members: dict[str, Any], now: datetime) -> Change:
    """partialAttributeUpdate (5.6.4): `members` are merged into the one instance that their datasetId names."""
    draft = Draft(_existing(before, None), now)
    old = _instance(draft, iri, members.get("datasetId"))
    if members.get("type", old["type"]) != old["type"]:
        raise BadRequestData(f"type: a partial update cannot turn a {old['type']} into a {members['type']} (5.6.4)")
    kind = KINDS[old["type"]]
    strange = (members.keys() & TYPED_MEMBERS) - kind.members
    if strange:
        raise BadRequestData(
            f"{min(strange)}: a {kind.name} has no such member, and a partial update keeps the type (5.6.4)"
        )
    bearer = kind.bearer
    if is_null({**old, **members}) and bearer in members:
        raise BadRequestData(
            f"{bearer}: a partial update deletes parts of an attribute; DELETE takes the attribute away (5.6.4.1)"
        )
    if kind.name == "GeoProperty" and bearer in members:
        geometry(members[bearer], "value")
    draft.write(iri, without_nulls(_overwritten(unstamped(old), members)))
    return draft.change()


def replace_attribute(before: Entity | None, iri: str, instances: list[Instance], now: datetime) -> Change:
    """replaceAttrs (5.6.19): the instances that the body names take the place of the stored ones."""
    draft = Draft(_existing(before, None), now)
    for item in instances:
        _instance(draft, iri, dataset(item))
        draft.write(iri, item)
    return draft.change()


def delete_attribute(
    before: Entity | None, iri: str, now: datetime, *, dataset_id: str | None = None, delete_all: bool = False
) -> Change:
    """deleteAttrs (5.6.5): one instance (the default one unless named), or all of them."""
    draft = Draft(_existing(before, None), now)
    if delete_all:
        _instances(draft, iri)
        draft.remove(iri, draft.attributes[iri])
    else:
        draft.remove(iri, [_instance(draft, iri, dataset_id)])
    return draft.change()


def delete_scope(before: Entity | None, now: datetime) -> Change:
    """Deletion of the entity's scope by way of its attribute path (4.18)."""
    draft = Draft(_existing(before, None), now)
    if not draft.scopes:
        raise ResourceNotFound("scope: the entity has none")
    draft.scopes = []
    return draft.change()


def delete(before: Entity | None, entity_id: str, now: datetime) -> Change:
    """deleteEntity (5.6.6)."""
    return Draft(_existing(before, Fragment(entity_id)), now).deletion()


def prune(before: Entity | None, names: frozenset[str], now: datetime, *, keep: bool) -> Change:
    """One entity of a purge that spares the entity (5.6.21): the attributes `names` (IRIs, or `scope`) go, or with
    `keep` all the others."""
    draft = Draft(_existing(before, None), now)
    for iri in [iri for iri in draft.attributes if (iri in names) != keep]:
        draft.remove(iri, draft.attributes[iri])
    if ("scope" in names) != keep:
        draft.scopes = []
    return draft.change()


def _existing(before: Entity | None, fragment: Fragment | None) -> Entity:
    if before is None:
        name = f" {fragment.id}" if fragment is not None and fragment.id else ""
        raise ResourceNotFound(f"entity{name} does not exist")
    return before


def _named(change: Change, fragment: Fragment) -> Change:
    """A created entity takes its id from the fragment."""
    if change.before is None and change.after is not None and fragment.id is not None:
        return replace(change, after=replace(change.after, id=fragment.id))
    return change


def _replace_all(draft: Draft, fragment: Fragment, keep_newest: bool = False) -> None:
    draft.types = fragment.types or draft.types
    draft.scopes = fragment.scopes or []
    draft.expires_at = fragment.expires_at
    for iri in [iri for iri in draft.attributes if iri not in fragment.attributes]:
        draft.remove(iri, draft.attributes[iri])
    for iri, instances in fragment.attributes.items():
        kept = {dataset(item) for item in instances}
        gone = [item for item in draft.attributes.get(iri, ()) if dataset(item) not in kept]
        if gone:
            draft.remove(iri, gone)
        for item in instances:
            draft.write(iri, item, keep_newest)


def _say_head(draft: Draft, fragment: Fragment) -> None:
    """What the fragment says beside attributes; what it leaves unsaid stays."""
    draft.add_types(fragment.types)
    if fragment.scopes is not None:
        draft.scopes = fragment.scopes
    if fragment.lasts or fragment.expires_at is not None:
        draft.expires_at = fragment.expires_at


def _write_all(draft: Draft, fragment: Fragment, keep_newest: bool = False) -> None:
    _say_head(draft, fragment)
    _write_instances(draft, fragment, keep_newest)


def _write_instances(draft: Draft, fragment: Fragment, keep_newest: bool = False) -> None:
    for iri, instances in fragment.attributes.items():
        for item in instances:
            if fragment.null is None:
                draft.write(iri, item, keep_newest)
            elif not is_null(item):
                draft.write(iri, without_nulls(item), keep_newest)
            elif not keep_newest:
                _delete_by_null(draft, iri, dataset(item))
            elif (old := draft.find(iri, dataset(item))) is not None and not is_older(item, old):
                draft.remove(iri, [old])


def _instances(draft: Draft, iri: str) -> list[Instance]:
    if iri not in draft.attributes:
        raise ResourceNotFound(f"the entity has no attribute {iri}")
    return draft.attributes[iri]


def _instance(draft: Draft, iri: str, dataset_id: str | None) -> Instance:
    _instances(draft, iri)
    found = draft.find(iri, dataset_id)
    if found is None:
        which = f"with datasetId {dataset_id}" if dataset_id else "without a datasetId"
        raise ResourceNotFound(f"attribute {iri} has no instance {which}")
    return found


def _overwritten(old: Instance, members: Instance) -> Instance:
    """`old` with `members` in the place of its own; of a sub-attribute, instances of their datasetIds (5.5.8)."""
    result = old | members
    for iri in (member for member in members if ":" in member and member in old):
        said = {dataset(item) for item in members[iri]}
        result[iri] = [item for item in old[iri] if dataset(item) not in said] + members[iri]
    return result


def _delete_by_null(draft: Draft, iri: str, dataset_id: str | None) -> None:
    found = draft.find(iri, dataset_id)
    if found is None:
        draft.not_updated.append((iri, "there is no such attribute to delete"))
    else:
        draft.remove(iri, [found])
