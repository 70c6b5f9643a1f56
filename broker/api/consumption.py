"""Questions about current state: GET /entities, GET /entities/{id}, POST query (GS CIM 009, 5.7.1, 5.7.2)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, presentation, questions
from broker.api.paging import page_links
from broker.api.presentation import Presentation
from broker.api.renderings import Shelf
from broker.api.settling import entity_id_of, etag, is_known
from broker.api.view import View
from broker.store import entities
from broker.store.db import Database
from broker.store.past import Past
from ngsi import times
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.geojson import feature_collection
from ngsi.jsonld import Context
from ngsi.query.entities import EntityQuery
from ngsi.query.q import link_depth
from ngsi.query.types import parse_types, selects

# one version of an entity has as many representations: what a cache keeps is for requests that agree in these
_VARY: Final = "Accept, Link, Prefer, NGSILD-Tenant, Fiware-Service"
# members of a Query (5.2.23); ours for this operation: those of temporal queries are refused
_MEMBERS: Final = presentation.BODY_MEMBERS | presentation.ENTITY_MAP
_QUERY: Final = _MEMBERS | {
    "type",
    "@type",
    "@context",
    "entities",
    "q",
    "geoQ",
    "scopeQ",
    "csf",
    "expandValues",
    "jsonKeys",
    "ordering",
}


async def query(request: Request) -> Response:
    """queryEntity (5.7.2)."""
    given = http.parameters(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    question = questions.question(http.broker(request).settings, given, context)
    return await _answer(request, tenant, context, question, _presentation(request, given, context))


async def query_batch(request: Request) -> Response:
    """queryEntity by POST (5.7.2, 6.23)."""
    given = http.parameters(request)
    body = await http.body(request)
    context = await http.body_context(request, body)
    question = questions.question_of_body(http.broker(request).settings, given, body, context)
    tenant = await http.tenant(request)
    wanted = _presentation(request, _together(given, body), context)
    return await _answer(request, tenant, context, question, wanted)


def _together(given: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """What the parameters and the members of a Query say of the answer."""
    for name in body:
        if name not in _QUERY:
            raise BadRequestData(f"{shown(name)}: a Query has no such member here (5.2.23)")
        if name in given:
            raise BadRequestData(f"{name}: it is said in the URL and in the body; say it once")
    return {**given, **{name: body[name] for name in _MEMBERS & body.keys()}}


async def retrieve(request: Request) -> Response:
    """retrieveEntity (5.7.1)."""
    given = http.parameters(request)
    entity_id = entity_id_of(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    wanted = _presentation(request, given, context)
    selection = parse_types(given["type"], context) if "type" in given else None
    database = http.broker(request).database
    past = _past(given)
    await http.broker(request).expiry.settled()
    entity = await (past or entities).retrieve(database, tenant, entity_id)
    if entity is None or not selects(selection, entity.types):
        raise ResourceNotFound(f"entity {entity_id} does not exist" + (" with that type" if entity else ""))
    view = _view(request, tenant, context, wanted, past)
    attributes = wanted.representation.attributes
    if attributes is not None and attributes.isdisjoint(view.prepared(entity).attributes):
        raise ResourceNotFound(f"entity {entity_id} has none of the attributes {given['attrs']}")
    bodies = await view.shown([entity])
    if not bodies:
        raise ResourceNotFound(f"entity {entity_id} has nothing of what pick and omit leave")
    several = wanted.joining is not None and wanted.joining.join == "flat"
    headers = {"ETag": etag(entity), "Vary": _VARY} if past is None else {}
    if headers and wanted.joining is None and is_known(request.headers, entity):
        return Response(None, 304, headers)
    return _response(request, bodies if several else bodies[0], context, wanted, view.altered, headers)


async def _answer(
    request: Request, tenant: int, context: Context, question: EntityQuery, wanted: Presentation
) -> Response:
    """The page that `question` asks for."""
    database, page = http.broker(request).database, question.page
    past = _past(http.parameters(request))
    if past is not None and question.q is not None and link_depth(question.q):
        raise BadRequestData("q: in the past (asOf) it does not reach into linked entities")
    source = past or entities
    await http.broker(request).expiry.settled()
    shelf = None if past is not None else _shelf(request, tenant, context, wanted)
    view = _view(request, tenant, context, wanted, past, shelf)
    texts, more = await _page(database, tenant, question, view, source) if page.limit else ([], False)
    headers: dict[str, str] = {}
    if page.count:
        headers["NGSILD-Results-Count"] = str(await source.count(database, tenant, question))
    links = page_links(request, http.parameters(request), page, more=more)
    if links:
        headers["Link"] = links
    return _response(request, texts, context, wanted, view.altered, headers)


async def _page(
    database: Database, tenant: int, question: EntityQuery, view: View, source: Past | ModuleType
) -> tuple[list[bytes], bool]:
    """JSON of the entities, and whether another page follows."""
    limit = question.page.limit
    wider = replace(question, page=replace(question.page, limit=limit + 1))
    if view.is_shelved:
        versions = await entities.versions(database, tenant, wider)
        texts = await view.shown_versions(versions[:limit])
        if texts is not None:
            return texts, len(versions) > limit
    found = await source.find(database, tenant, wider)
    return await view.shown(found[:limit]), len(found) > limit


def _view(
    request: Request,
    tenant: int,
    context: Context,
    wanted: Presentation,
    past: Past | None,
    shelf: Shelf | None = None,
) -> View:
    parts = http.broker(request)
    most = parts.settings.max_linked
    if past is not None:
        return View(partial(past.find_all, parts.database, tenant), context, wanted, most, instant=past.instant)
    return View(partial(parts.database.lookups.find_all, tenant), context, wanted, most, shelf=shelf)


def _shelf(request: Request, tenant: int, context: Context, wanted: Presentation) -> Shelf | None:
    """Where entities shown in pages stand; linked ones and earlier versions of the standard are made anew each time."""
    if wanted.joining is not None or wanted.version is not None:
        return None
    how = (tenant, context, wanted.representation, wanted.geometry_property)
    return http.broker(request).renderings.shelf(*how)


def _past(given: Mapping[str, str]) -> Past | None:
    """The instant that asOf (ours) names; None for the present."""
    return Past(times.date_time(given["asOf"].replace(" ", "+"), "asOf")) if "asOf" in given else None


def _presentation(request: Request, given: Mapping[str, Any], context: Context) -> Presentation:
    presentation.refuse_named_map(request)
    return presentation.presentation(given, context, http.accepts(request), request.headers.get("prefer", ""))


def _response(
    request: Request,
    content: bytes | list[bytes],
    context: Context,
    wanted: Presentation,
    altered: bool,
    headers: dict[str, str] | None = None,
) -> Response:
    headers = headers or {}
    if wanted.geometry_property is not None and isinstance(content, list):
        content = orjson.dumps(feature_collection([orjson.Fragment(text) for text in content]))
    if wanted.version is not None:
        headers["Preference-Applied"] = "ngsi-ld={}.{}".format(*wanted.version)
    response = http.answer(request, content, context, headers)
    if altered:
        response.status_code = 203
    return response
