"""/entities and /entities/{id} (GS CIM 009, 6.4, 6.5)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.store.changes import Operation, Outcome
from ngsi import names, patch
from ngsi.change import Change
from ngsi.entity import parse_entity, parse_fragment
from ngsi.errors import BadRequestData, NgsiLdError, shown
from ngsi.jsonld import Context


async def create(request: Request) -> Response:
    """createEntity (5.6.1)."""
    http.parameters(request, frozenset({"local"}))
    content = await http.body(request)
    fragment = parse_entity(content, await http.body_context(request, content))
    assert fragment.id is not None
    tenant = await http.tenant(request, create=True)
    await settle(request, tenant, fragment.id, lambda before, now: patch.create(before, fragment, now))
    return http.done(request, 201, headers=http.location(fragment.id))


async def replace(request: Request) -> Response:
    """replaceEntity (5.6.18)."""
    http.parameters(request, frozenset({"local", "type"}))
    entity_id = entity_id_of(request)
    content = await http.body(request)
    context = await http.body_context(request, content)
    if isinstance(content, dict):
        content = {"id": entity_id, **content}
    fragment = parse_entity(content, context)
    if fragment.id != entity_id:
        raise BadRequestData(f"id: {shown(fragment.id)} is not the id of the path")
    tenant = await http.tenant(request)
    await settle(request, tenant, entity_id, lambda before, now: patch.replace_entity(before, fragment, now))
    return http.done(request)


async def delete(request: Request) -> Response:
    """deleteEntity (5.6.6)."""
    http.parameters(request, frozenset({"local", "type"}))
    entity_id = entity_id_of(request)
    tenant = await http.tenant(request)
    await settle(request, tenant, entity_id, lambda before, now: patch.delete(before, entity_id, now))
    return http.done(request)


async def append_attributes(request: Request) -> Response:
    """appendAttrs (5.6.3)."""
    given = http.parameters(request, frozenset({"local", "type", "options"}))
    no_overwrite = "noOverwrite" in http.options(given, frozenset({"noOverwrite"}))
    entity_id = entity_id_of(request)
    content = await http.body(request)
    context = await http.body_context(request, content)
    fragment = parse_fragment(content, context).with_id(entity_id)
    tenant = await http.tenant(request)
    change = await settle(
        request,
        tenant,
        entity_id,
        lambda before, now: patch.append(before, fragment, now, no_overwrite=no_overwrite),
    )
    return update_result(request, change, context)


async def update_attributes(request: Request) -> Response:
    """updateAttrs (5.6.2)."""
    http.parameters(request, frozenset({"local", "type"}))
    entity_id = entity_id_of(request)
    content = await http.body(request)
    context = await http.body_context(request, content)
    fragment = parse_fragment(content, context).with_id(entity_id)
    tenant = await http.tenant(request)
    change = await settle(request, tenant, entity_id, lambda before, now: patch.update(before, fragment, now))
    return update_result(request, change, context)


def update_result(request: Request, change: Change, context: Context) -> Response:
    if not change.not_updated:
        return http.done(request)
    refused = [{"attributeName": context.compact(iri), "reason": reason} for iri, reason in change.not_updated]
    return http.done(request, 207, {"updated": [context.compact(iri) for iri in change.touched], "notUpdated": refused})


def entity_id_of(request: Request) -> str:
    return names.entity_id(request.path_params["id"])


async def settle(request: Request, tenant: int, entity_id: str, rule: Any) -> Change:
    """Apply one operation; its error is raised."""
    outcome: Outcome = await http.broker(request).provision.one(Operation(tenant, entity_id, rule))
    if isinstance(outcome, NgsiLdError):
        raise outcome
    return outcome
