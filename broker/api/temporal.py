"""Writing history: /temporal/entities and what stands below it (GS CIM 009, 5.6.11 to 5.6.16, 6.18 to 6.22)."""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.settling import entity_id_of, for_path, settle
from broker.store import history
from broker.store.changes import Effect
from ngsi import names, temporal
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.instance import Instance
from ngsi.jsonld import Context
from ngsi.terms import SCOPE

_INSTANCE: Final = re.compile(r"urn:ngsi-ld:instance:(\d{1,18})", re.ASCII)


async def upsert(request: Request) -> Response:
    """upsertTemporal (5.6.11): 201 when the entity is new, else 204."""
    content = await http.body(request)
    evolution = temporal.parse_whole_evolution(content, await http.body_context(request, content))
    entity_id = str(evolution.id)
    effect = await _add(request, entity_id, evolution, create=True)
    if not effect.created:
        return http.done(request)
    location = http.location(entity_id)["Location"].replace("/entities/", "/temporal/entities/", 1)
    return http.done(request, 201, headers={"Location": location})


async def append_attributes(request: Request) -> Response:
    """appendAttrsTemporal (5.6.12)."""
    entity_id = entity_id_of(request)
    content = await http.body(request)
    evolution = temporal.parse_evolution(content, await http.body_context(request, content))
    evolution = for_path(evolution, entity_id)
    await _add(request, entity_id, evolution, create=False)
    return http.done(request)


async def _add(request: Request, entity_id: str, evolution: temporal.Evolution, *, create: bool) -> Effect:
    tenant = await http.tenant(request, create=create)
    since = None
    if evolution.attributes.get(SCOPE):
        since = await history.scope_since(http.broker(request).database, tenant, entity_id)
    return await settle(
        request,
        entity_id,
        lambda before, now: temporal.add(before, evolution, now, create=create, scope_since=since),
        create=create,
    )


async def delete(request: Request) -> Response:
    """deleteTemporal (5.6.16): the entity and all that history has of it."""
    entity_id = entity_id_of(request)
    await _known(request, entity_id)
    await settle(request, entity_id, temporal.purge, past=True)
    return http.done(request)


async def delete_attribute(request: Request) -> Response:
    """deleteAttrsTemporal (5.6.13)."""
    given, name = http.parameters(request), request.path_params["attr"]
    delete_all, dataset_id = http.flag(given, "deleteAll"), given.get("datasetId")
    if dataset_id == "@none":
        dataset_id = None
    elif dataset_id is not None and not names.is_uri(dataset_id):
        raise BadRequestData(f"datasetId: {shown(dataset_id)} is neither a URI nor '@none'")
    entity_id = entity_id_of(request)
    iri = _attribute(name, await http.query_context(request))
    entity = await _known(request, entity_id)
    database = http.broker(request).database
    if not await history.holds(database, entity, iri, dataset_id, every_dataset=delete_all):
        raise ResourceNotFound(f"{name}: history of {entity_id} has no such attribute (5.6.13)")
    await settle(
        request,
        entity_id,
        lambda before, now: temporal.erase_attribute(before, iri, now, dataset_id=dataset_id, delete_all=delete_all),
        past=True,
    )
    return http.done(request)


async def update_instance(request: Request) -> Response:
    """updateAttrInstanceTemporal (5.6.14)."""
    content = await http.body(request)
    name, instance_id = request.path_params["attr"], _instance_id(request)
    context = await http.body_context(request, content)
    evolution = for_path(temporal.parse_evolution(content, context), entity_id_of(request))
    iri = _attribute(name, context)
    instances = evolution.attributes.get(iri, [])
    if len(instances) != 1 or len(evolution.attributes) != 1:
        raise BadRequestData(f"{name}: the body holds exactly one instance of this attribute and no other (5.6.14)")
    if "deletedAt" in instances[0]:
        raise BadRequestData(f"{name}: an instance is deleted with DELETE (5.6.15)")
    return await _change_instance(request, name, instance_id, instances[0], context)


async def delete_instance(request: Request) -> Response:
    """deleteAttrInstanceTemporal (5.6.15)."""
    return await _change_instance(request, request.path_params["attr"], _instance_id(request), None)


async def _change_instance(
    request: Request, name: str, instance_id: str, new: Instance | None, context: Context | None = None
) -> Response:
    entity_id = entity_id_of(request)
    iri = _attribute(name, context or await http.query_context(request))
    entity = await _known(request, entity_id)
    match = _INSTANCE.fullmatch(instance_id)
    number = int(match.group(1)) if match else -1
    kept, rival = await history.kept(http.broker(request).database, entity, iri, number)
    if kept is None:
        raise ResourceNotFound(f"{name}: history of {entity_id} has no instance {shown(instance_id)} of it (5.6.14)")
    found = kept
    await settle(request, entity_id, lambda before, now: temporal.correct(before, found, new, rival, now), past=True)
    return http.done(request)


async def _known(request: Request, entity_id: str) -> history.Known:
    entity = await history.known(http.broker(request).database, await http.tenant(request), entity_id)
    if entity is None:
        raise ResourceNotFound(f"entity {entity_id} was never known")
    return entity


def _attribute(name: str, context: Context) -> str:
    return SCOPE if context.term(name) == "scope" else context.attribute(name)


def _instance_id(request: Request) -> str:
    instance_id: str = request.path_params["instance"]
    if not names.is_uri(instance_id):
        raise BadRequestData(f"instanceId: {shown(instance_id)} is not a URI (5.6.14)")
    return instance_id
