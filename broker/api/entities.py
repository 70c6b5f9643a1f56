"""/entities and /entities/{id} (GS CIM 009, 6.4, 6.5)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.store import entities
from broker.store.changes import Operation, Outcome
from ngsi import names, patch
from ngsi.change import Change
from ngsi.entity import parse_entity, parse_fragment
from ngsi.errors import BadRequestData, NgsiLdError, ResourceNotFound, shown
from ngsi.jsonld import Context
from ngsi.query.entities import EntityQuery, Page
from ngsi.query.geo import parse_geo
from ngsi.query.q import parse_q
from ngsi.query.types import parse_types
from ngsi.representation import Format, Representation, represent

_REPRESENTATION = frozenset({"options", "format", "sysAttrs", "attrs", "local"})
_QUERY = _REPRESENTATION | {
    "id",
    "type",
    "idPattern",
    "q",
    "georel",
    "geometry",
    "coordinates",
    "geoproperty",
    "limit",
    "offset",
    "count",
}
_FORMATS: dict[str, Format] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}


async def create(request: Request) -> Response:
    """createEntity (5.6.1)."""
    http.parameters(request, frozenset({"local"}))
    content = await http.body(request)
    fragment = parse_entity(content, await http.body_context(request, content))
    assert fragment.id is not None
    tenant = await http.tenant(request, create=True)
    await settle(request, tenant, fragment.id, lambda before, now: patch.create(before, fragment, now))
    return http.done(request, 201, headers=http.location(fragment.id))


async def query(request: Request) -> Response:
    """queryEntity (5.7.2)."""
    given = http.parameters(request, _QUERY)
    http.accepts(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    question = _question(request, given, context)
    database = http.broker(request).database
    found = await entities.find(database, tenant, question) if question.page.limit else []
    wanted = _representation(given, context)
    headers: dict[str, str] = {}
    if question.page.count:
        headers["NGSILD-Results-Count"] = str(await entities.count(database, tenant, question))
    links = _page_links(request, given, question.page, len(found))
    if links:
        headers["Link"] = links
    return http.answer(request, [represent(item, context, wanted) for item in found], context, headers)


async def retrieve(request: Request) -> Response:
    """retrieveEntity (5.7.1)."""
    given = http.parameters(request, _REPRESENTATION | {"type"})
    http.accepts(request)
    entity_id = entity_id_of(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    entity = await entities.retrieve(http.broker(request).database, tenant, entity_id)
    if entity is None:
        raise ResourceNotFound(f"entity {entity_id} does not exist")
    wanted = _representation(given, context)
    if wanted.attributes is not None and wanted.attributes.isdisjoint(entity.attributes):
        raise ResourceNotFound(f"entity {entity_id} has none of the attributes {given['attrs']}")
    return http.answer(request, represent(entity, context, wanted), context)


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


def _question(request: Request, given: Mapping[str, str], context: Context) -> EntityQuery:
    settings = http.broker(request).settings
    count = http.flag(given, "count")
    limit = http.whole(
        given, "limit", min(settings.default_limit, settings.max_limit), 0 if count else 1, settings.max_limit
    )
    page = Page(limit, http.whole(given, "offset", 0, 0, 999_999_999), count)
    geo = parse_geo(
        given.get("georel"), given.get("geometry"), given.get("coordinates"), given.get("geoproperty"), context
    )
    local = http.flag(given, "local") or given.get("type") == "*"
    if not local and not ({"type", "attrs", "q"} & given.keys()) and geo is None:
        raise BadRequestData("the query is too wide: it needs one of type, attrs, q, georel or local=true (5.7.2)")
    ids = tuple(names.entity_id(item.strip()) for item in given["id"].split(",")) if "id" in given else ()
    return EntityQuery(
        ids=ids,
        types=parse_types(given["type"], context) if "type" in given else None,
        id_pattern=given.get("idPattern"),
        attributes=attribute_names(given, context),
        q=parse_q(given["q"], context) if "q" in given else None,
        geo=geo,
        page=page,
    )


def attribute_names(given: Mapping[str, str], context: Context) -> tuple[str, ...]:
    return tuple(context.attribute(name.strip()) for name in given["attrs"].split(",")) if "attrs" in given else ()


def _representation(given: Mapping[str, str], context: Context) -> Representation:
    chosen = http.options(given, frozenset({*_FORMATS, "sysAttrs"}))
    name = given.get("format") or next((item for item in _FORMATS if item in chosen), "normalized")
    if name not in _FORMATS:
        raise BadRequestData(f"format: {shown(name)} is not one of {', '.join(_FORMATS)}")
    attributes = attribute_names(given, context)
    sys_attrs = "sysAttrs" in chosen or http.flag(given, "sysAttrs")
    return Representation(_FORMATS[name], sys_attrs, frozenset(attributes) if attributes else None)


def _page_links(request: Request, given: Mapping[str, str], page: Page, found: int) -> str:
    links = []
    if page.offset:
        links.append(("prev", max(0, page.offset - page.limit)))
    if page.limit and found == page.limit:
        links.append(("next", page.offset + page.limit))
    rest = [(key, value) for key, value in given.items() if key not in ("offset", "limit")]
    return ", ".join(
        f"<{request.url.path}?{urlencode([*rest, ('limit', page.limit), ('offset', offset)])}>; "
        f'rel="{rel}"; type="{http.JSON}"'
        for rel, offset in links
    )
