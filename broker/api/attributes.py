"""/entities/{id}/attrs/{attr} (GS CIM 009, 6.7)."""

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.settling import entity_id_of, settle, versioned
from ngsi import aliases, names, patch
from ngsi.attribute import parse_attribute, parse_partial
from ngsi.entity import Fragment, check_attribute, refuse_null
from ngsi.errors import BadRequestData
from ngsi.instance import null_in


async def partial_update(request: Request) -> Response:
    """partialAttributeUpdate (5.6.4)."""
    entity_id, name = entity_id_of(request), request.path_params["attr"]
    content = await http.body(request)
    context = await http.body_context(request, content, aliases.resolve_attribute)
    iri = context.attribute(name)
    if not isinstance(content, dict):
        raise BadRequestData(f"{name}: the body is not an attribute fragment")
    members = parse_partial(name, {key: value for key, value in content.items() if key != "@context"}, context)
    effect = await settle(
        request, entity_id, lambda before, now: patch.partial_update(before, iri, members, now), context=context
    )
    return http.done(request, headers=versioned(effect))


async def replace(request: Request) -> Response:
    """replaceAttrs (5.6.19)."""
    entity_id, name = entity_id_of(request), request.path_params["attr"]
    content = await http.body(request)
    context = await http.body_context(request, content, aliases.resolve_attribute)
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if key != "@context"}
    iri, instances = context.attribute(name), parse_attribute(name, content, context)
    check_attribute(name, iri, instances)
    refuse_null(Fragment(null=null_in({iri: instances})))
    effect = await settle(
        request, entity_id, lambda before, now: patch.replace_attribute(before, iri, instances, now), context=context
    )
    return http.done(request, headers=versioned(effect))


async def delete(request: Request) -> Response:
    """deleteAttrs (5.6.5)."""
    given = http.parameters(request)
    entity_id, name = entity_id_of(request), request.path_params["attr"]
    delete_all, dataset_id = http.flag(given, "deleteAll"), given.get("datasetId")
    if dataset_id == "@none":
        dataset_id = None
    elif dataset_id is not None and not names.is_uri(dataset_id):
        raise BadRequestData(f"datasetId: {dataset_id!r} is neither a URI nor '@none'")
    context = await http.query_context(request)
    if context.term(name) == "scope":
        await settle(request, entity_id, patch.delete_scope)
        return http.done(request)
    iri = context.attribute(name)
    effect = await settle(
        request,
        entity_id,
        lambda before, now: patch.delete_attribute(before, iri, now, dataset_id=dataset_id, delete_all=delete_all),
    )
    return http.done(request, headers=versioned(effect))
