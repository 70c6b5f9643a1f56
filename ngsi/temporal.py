"""The temporal evolution of an entity, from the wire to changes (GS CIM 009, 4.5.6 to 4.5.8, 5.6.11 to 5.6.16)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from ngsi import names, times
from ngsi.attribute import parse_attribute
from ngsi.change import Change, Correction, Draft, Erasure, stamped
from ngsi.entity import Entity
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.instance import Attributes, Instance, dataset, is_null, null_in
from ngsi.jsonld import Context
from ngsi.terms import DEFAULT_DATASET, GEO_NAMES, KIND_OF_BEARER, KINDS, NULL, SCOPE

_IDS: Final = ("id", "@id")
_TYPES: Final = ("type", "@type")
_SCOPE_MEMBERS: Final = frozenset(
    {"type", "@type", "value", "observedAt", "createdAt", "modifiedAt", "deletedAt", "instanceId"}
)
_IGNORED: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "expiresAt", "@context"})


@dataclass(frozen=True, slots=True)
class Evolution:
    """What a request says of an EntityTemporal: every attribute with any number of instances, scope among them."""

    id: str | None
    types: list[str]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Kept:
    """One instance that history holds: where it stands, and when it was made."""

    attribute: str
    dataset: str | None
    at: datetime
    created_at: datetime
    instance: Instance


def parse_evolution(body: Any, context: Context) -> Evolution:
    """An EntityTemporal or a fragment of one (5.2.20). Raises BadRequestData."""
    if not isinstance(body, dict):
        raise BadRequestData(f"a temporal entity is a JSON object, not {shown(body)}")
    entity_id: str | None = None
    types: list[str] = []
    attributes: Attributes = {}
    for name, value in body.items():
        if name in _IDS:
            entity_id = names.entity_id(value, name)
        elif name in _TYPES:
            types = context.types(value)
        elif name == "scope":
            attributes[SCOPE] = _scopes(value)
        elif name not in _IGNORED:
            iri = context.attribute(name)
            if iri in attributes:
                raise BadRequestData(f"{name}: the @context gives two names of this body one meaning, {iri}")
            attributes[iri] = _instances(name, iri, value, context)
    return Evolution(entity_id, types, attributes)


def parse_whole_evolution(body: Any, context: Context) -> Evolution:
    """An EntityTemporal with id and type (5.6.11). Raises BadRequestData."""
    evolution = parse_evolution(body, context)
    if evolution.id is None:
        raise BadRequestData("id: a temporal entity needs an id, a URI (5.2.20)")
    if not evolution.types:
        raise BadRequestData(f"type: temporal entity {shown(evolution.id)} needs a type (5.2.20)")
    return evolution


def add(
    before: Entity | None,
    evolution: Evolution,
    now: datetime,
    *,
    create: bool,
    scope_since: datetime | None = None,
) -> Change:
    """The instances join history; the newest of each series is the current one (5.6.11, 5.6.12).

    `scope_since` is when the current scope came to hold. Raises ResourceNotFound when the entity is unknown and is
    not to be created.
    """
    if before is None and not create:
        raise ResourceNotFound(f"entity {evolution.id} does not exist")
    draft = Draft(before, now)
    draft.add_types(evolution.types)
    for iri, instances in evolution.attributes.items():
        for instance in sorted(instances, key=lambda item: _moment(item) or now):
            if iri == SCOPE:
                _remember_scope(draft, instance, scope_since)
            else:
                _remember(draft, iri, instance)
    change = draft.change()
    if before is None and change.after is not None and evolution.id is not None:
        return replace(change, after=replace(change.after, id=evolution.id))
    return change


def erase_attribute(
    before: Entity | None, iri: str, now: datetime, *, dataset_id: str | None = None, delete_all: bool = False
) -> Change:
    """The attribute leaves history and the current entity (5.6.13)."""
    draft = Draft(before, now)
    if iri == SCOPE:
        draft.scopes = []
    _drop(draft, iri, None if delete_all else (dataset_id,))
    return _settled(draft, before, erased=[Erasure(iri, dataset_id, delete_all)])


def purge(before: Entity | None, now: datetime) -> Change:
    """The entity leaves the store with its history (5.6.16)."""
    if before is None:  # deleted already, and only its history is there
        return Change(None, None, purged=True)
    return replace(Draft(before, now).deletion(), purged=True)


def correct(before: Entity | None, kept: Kept, new: Instance | None, rival: Kept | None, now: datetime) -> Change:
    """One history instance is replaced (5.6.14) or removed (5.6.15); the current entity follows when it showed it.

    `rival` is the newest other instance of the series.
    """
    draft = Draft(before, now)
    if new is not None:
        if dataset(new) not in (None, kept.dataset):
            is_of = kept.dataset or DEFAULT_DATASET
            raise BadRequestData(f"datasetId: {shown(dataset(new))} is not that of the instance, {is_of} (5.6.14)")
        if kept.dataset is not None:
            new = {**new, "datasetId": kept.dataset}
        new = {**stamped(new, None, draft.stamp), "createdAt": times.text(kept.created_at)}
    candidates = [item for item in (new, rival.instance if rival else None) if item is not None]
    current = draft.find(kept.attribute, kept.dataset)
    if kept.attribute == SCOPE:
        _correct_scope(draft, kept, new, candidates)
    elif current is not None and (
        _time_of(current) == kept.at or (new is not None and _time_of(new) > _time_of(current))
    ):
        _drop(draft, kept.attribute, (kept.dataset,))
        if candidates:
            newest = max(candidates, key=_time_of)
            draft.show(kept.attribute, None, newest)
    return _settled(draft, before, corrected=[Correction(kept.attribute, kept.dataset, kept.at, new)])


def _correct_scope(draft: Draft, kept: Kept, new: Instance | None, candidates: list[Instance]) -> None:
    """The current scope is held without its time: it follows when `kept` says what it is, or `new` is the newest."""
    newest = max(candidates, key=_time_of, default=None)
    if draft.scopes and (draft.scopes == kept.instance["value"] or newest is new):
        draft.scopes = list(newest["value"]) if newest is not None else []


def _settled(draft: Draft, before: Entity | None, **more: Any) -> Change:
    if before is None:  # deleted, and only its history is there
        return Change(None, None, **more)
    return replace(draft.change(), **more)


def _drop(draft: Draft, iri: str, datasets: tuple[str | None, ...] | None) -> None:
    """Take instances from the current entity without the trace that a deletion leaves; None: every dataset."""
    gone = [item for item in draft.attributes.get(iri, ()) if datasets is None or dataset(item) in datasets]
    if gone:
        draft.drop(iri, gone)


def _remember(draft: Draft, iri: str, instance: Instance) -> None:
    if "observedAt" not in instance and any(name == iri for name, _ in draft.written):
        draft.later()
    if "deletedAt" in instance:
        _bury(draft, iri, instance)
    else:
        draft.write(iri, instance, keep_newest=True, repeat="observedAt" not in instance)


def _remember_scope(draft: Draft, instance: Instance, since: datetime | None) -> None:
    moment = _moment(instance)
    if moment is None and any(name == SCOPE for name, _ in draft.written):
        draft.later()
    draft.remember(SCOPE, instance)
    if moment is None or since is None or moment >= since:
        draft.scopes = list(instance["value"]) if "deletedAt" not in instance else []


def _bury(draft: Draft, iri: str, instance: Instance) -> None:
    draft.remember(iri, instance)
    current = draft.find(iri, dataset(instance))
    if current is not None and _time_of(current) < times.parse(instance["deletedAt"]):
        _drop(draft, iri, (dataset(instance),))


def _time_of(instance: Instance) -> datetime:
    return times.parse(instance["observedAt"] if "observedAt" in instance else instance["modifiedAt"])


def _moment(instance: Instance) -> datetime | None:
    stamp = instance.get("deletedAt") or instance.get("observedAt")
    return times.parse(stamp) if stamp else None


def _instances(name: str, iri: str, value: Any, context: Context) -> list[Instance]:
    if value == []:  # no instances, as a part of an evolution may have it (6.3.10)
        return []
    several = isinstance(value, list) and all(map(_is_instance, value))
    instances = [_instance(name, item, context) for item in (value if several else [value])]
    if iri in GEO_NAMES and any(item["type"] != "GeoProperty" and not is_null(item) for item in instances):
        raise BadRequestData(f"{name}: {name} is a GeoProperty (4.7); {shown(value)} is none")
    return instances


def _is_instance(value: Any) -> bool:
    return isinstance(value, dict) and ("type" in value or not KIND_OF_BEARER.keys().isdisjoint(value))


def _instance(name: str, value: Any, context: Context) -> Instance:
    instance = parse_attribute(name, value, context)[0]
    said = value.get("deletedAt") if isinstance(value, dict) else None
    if is_null(instance) != (said is not None):
        raise BadRequestData(f"{name}: the NGSI-LD null and deletedAt come together: a deleted instance (4.5.7)")
    bearer = KINDS[instance["type"]].bearer
    lost = null_in({name: [{member: content for member, content in instance.items() if member != bearer}]})
    if lost is not None:
        raise BadRequestData(f"{name}: the NGSI-LD null deletes a whole instance here, not {lost} of one (4.5.7)")
    if said is not None:
        instance["deletedAt"] = times.text(times.date_time(said, f"{name}.deletedAt"))
        instance.pop("observedAt", None)
    return instance


def _scopes(value: Any) -> list[Instance]:
    """scope as plain scopes or as instances of a Property (4.5.6)."""
    if value == []:
        return []
    return list(_scope_instances(value if isinstance(value, list) and _is_instance(value[0]) else [value]))


def _scope_instances(values: list[Any]) -> Iterator[Instance]:
    for item in values:
        if not _is_instance(item):
            yield {"type": "Property", "value": names.scopes(item)}
            continue
        _check_scope(item)
        value = [] if "deletedAt" in item else names.scopes(item.get("value"))
        instance: Instance = {"type": "Property", "value": value}
        for member in ("observedAt", "deletedAt"):
            if member in item:
                instance[member] = times.text(times.date_time(item[member], f"scope.{member}"))
        yield instance


def _check_scope(item: Instance) -> None:
    """Raises BadRequestData unless `item` is a Property with times alone, its value null when it is deleted (4.5.6)."""
    strange = next((member for member in item if member not in _SCOPE_MEMBERS), None)
    if strange is not None:
        raise BadRequestData(f"scope.{strange}: a scope instance has a value and times alone (4.5.6)")
    kind = item.get("type", item.get("@type", "Property"))
    if kind != "Property":
        raise BadRequestData(f"scope.type: {shown(kind)} is not Property (4.5.6)")
    if (item.get("value") == NULL) != ("deletedAt" in item):
        raise BadRequestData("scope: the NGSI-LD null and deletedAt come together: a deleted instance (4.5.7)")


def bare(instance: Instance) -> Instance:
    """A history instance as the current entity holds it."""
    return {key: value for key, value in instance.items() if key not in ("instanceId", "deletedAt")}
