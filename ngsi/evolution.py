"""Temporal representations: normalized, concise, simplified, aggregated (GS CIM 009, 4.5.6 to 4.5.9, 4.5.19)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from ngsi import times
from ngsi.instance import Attributes, Instance, dataset
from ngsi.jsonld import Context
from ngsi.language import Languages, translated
from ngsi.projection import EVERYTHING, Projection
from ngsi.representation import concise_instance, normalized_instances, simplified_value
from ngsi.terms import KINDS, SCOPE

TemporalFormat = Literal["normalized", "concise", "temporalValues", "aggregatedValues"]
_PLURALS: Final = {kind.name: kind.bearer + "s" for kind in KINDS.values()}
_SCOPE_MEMBERS: Final = ("type", "value", "observedAt", "deletedAt", "instanceId")
_SYSTEM: Final = ("createdAt", "modifiedAt")


@dataclass(frozen=True, slots=True)
class Shown:
    """How evolutions are to be shown; `stamp` is the time that goes with a value in the simplified form."""

    format: TemporalFormat = "normalized"
    sys_attrs: bool = False
    projection: Projection = EVERYTHING
    languages: Languages | None = None
    stamp: str = "observedAt"


def head(
    entity_id: str, types: list[str], stamps: Mapping[str, datetime | None], context: Context, wanted: Shown
) -> dict[str, Any]:
    """id, type and, with sysAttrs, the times of the entity."""
    names = [context.compact(iri) for iri in types]
    body: dict[str, Any] = {"id": entity_id, "type": names[0] if len(names) == 1 else names}
    if wanted.sys_attrs:
        body |= {name: times.text(at) for name, at in stamps.items() if at is not None}
    return {name: value for name, value in body.items() if wanted.projection.shows(name)}


def show(attributes: Attributes, context: Context, wanted: Shown) -> dict[str, Any]:
    """Attributes by name, each an array of instances or its simplified form; scope first (4.5.6)."""
    if wanted.languages is not None:
        attributes = translated(attributes, wanted.languages)
    ordered = sorted(attributes, key=lambda iri: iri != SCOPE)
    form = _FORMATS[wanted.format]
    return {context.compact(iri): form(iri, attributes[iri], context, wanted) for iri in ordered}


def _normalized(iri: str, instances: list[Instance], context: Context, wanted: Shown) -> Any:
    if iri == SCOPE:
        return [_scope(item, wanted.sys_attrs) for item in instances]
    return normalized_instances(instances, context, wanted.sys_attrs)


def _concise(iri: str, instances: list[Instance], context: Context, wanted: Shown) -> Any:
    if iri == SCOPE:
        return [
            {key: value for key, value in item.items() if key != "type"}
            for item in _normalized(iri, instances, context, wanted)
        ]
    return [concise_instance(item, context, wanted.sys_attrs) for item in instances]


def _scope(instance: Instance, sys_attrs: bool) -> dict[str, Any]:
    members = (*_SCOPE_MEMBERS, *(_SYSTEM if sys_attrs else ()))
    shown = {member: instance[member] for member in members if member in instance}
    return shown | {"value": _one_or_all(instance["value"])}


def _one_or_all(scopes: Any) -> Any:
    return scopes[0] if isinstance(scopes, list) and len(scopes) == 1 else scopes


def _simplified(iri: str, instances: list[Instance], context: Context, wanted: Shown) -> Any:
    """One object for each datasetId and type; a lone one stands without an array (4.5.9)."""
    series: dict[tuple[str, str | None], dict[str, Any]] = {}
    for item in instances:
        body = series.setdefault((item["type"], dataset(item)), {"type": item["type"], _PLURALS[item["type"]]: []})
        value = _one_or_all(item["value"]) if iri == SCOPE else simplified_value(item, context)
        stamp = item.get(wanted.stamp) or item.get("observedAt") or item["modifiedAt"]
        body[_PLURALS[item["type"]]].append([value, stamp])
    for (_, name), body in series.items():
        if name is not None:
            body["datasetId"] = name
    shown = list(series.values())
    return shown[0] if len(shown) == 1 else shown or {"type": "Property", "values": []}


_FORMATS: Final[dict[str, Callable[[str, list[Instance], Context, Shown], Any]]] = {
    "normalized": _normalized,
    "concise": _concise,
    "temporalValues": _simplified,
}


@dataclass(frozen=True, slots=True)
class Aggregated:
    """One series: by method a (value, start, end) for each period that has instances, its times as texts."""

    attribute: str
    dataset: str | None
    kind: str
    values: Mapping[str, list[tuple[Any, str, str]]]


def show_aggregated(series: Iterable[Aggregated], context: Context) -> dict[str, Any]:
    """Attributes by name, each with an array for every method (4.5.19)."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in series:
        body: dict[str, Any] = {"type": item.kind}
        if item.dataset is not None:
            body["datasetId"] = item.dataset
        for method, values in item.values.items():
            body[method] = values
        found.setdefault(item.attribute, []).append(body)
    return {context.compact(iri): bodies[0] if len(bodies) == 1 else bodies for iri, bodies in found.items()}
