"""/types and /attributes: what there is (GS CIM 009, 5.7.5 to 5.7.10, 6.25 to 6.28)."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.paging import page_links
from broker.store import discovery
from ngsi import names
from ngsi.errors import ResourceNotFound, shown
from ngsi.jsonld import Context
from ngsi.query.entities import Page
from ngsi.shape import About, Census

_FAR = 999_999_999


async def types(request: Request) -> Response:
    """retrieveEntityTypes (5.7.5), retrieveEntityTypeDetails (5.7.6)."""
    _, census, context = await _census(request)

    def details(iri: str) -> dict[str, Any]:
        attributes = sorted(map(context.compact, census.types[iri].kinds))
        return {"id": iri, "type": "EntityType", "typeName": context.compact(iri), "attributeNames": attributes}

    return _listed(request, context, census.types, "EntityTypeList", "typeList", details)


async def attributes(request: Request) -> Response:
    """retrieveAttrTypes (5.7.8), retrieveAttrTypeDetails (5.7.9)."""
    _, census, context = await _census(request)
    return _listed(
        request,
        context,
        census.attributes,
        "AttributeList",
        "attributeList",
        lambda iri: _attribute(iri, context) | {"typeNames": _compacted(census.attributes[iri].kinds, context)},
    )


async def entity_type(request: Request) -> Response:
    """retrieveEntityTypeInfo (5.7.7)."""
    given = request.path_params["type"]
    _, census, context = await _census(request)
    iri = context.expand(names.type_name(given))
    about = _known(census.types, iri, f"entity type {shown(given)}")
    told = {
        "id": iri,
        "type": "EntityTypeInfo",
        "typeName": context.compact(iri),
        "entityCount": about.count,
        "attributeDetails": [
            _attribute(attribute, context) | {"attributeTypes": sorted(kinds)}
            for attribute, kinds in sorted(about.kinds.items())
        ],
    }
    return http.answer(request, told, context)


async def attribute(request: Request) -> Response:
    """retrieveAttrTypeInfo (5.7.10)."""
    given = request.path_params["attr"]
    tenant, census, context = await _census(request)
    iri = context.attribute(given)
    about = _known(census.attributes, iri, f"attribute {shown(given)}")
    told = _attribute(iri, context) | {
        "attributeCount": await discovery.count_instances(http.broker(request).database, tenant, iri),
        "attributeTypes": sorted(set().union(*about.kinds.values())),
        "typeNames": _compacted(about.kinds, context),
    }
    return http.answer(request, told, context)


async def _census(request: Request) -> tuple[int, Census, Context]:
    tenant = await http.tenant(request)
    await http.broker(request).expiry.settled()
    context = await http.query_context(request)
    return tenant, await discovery.take_census(http.broker(request).database, tenant), context


def _listed(
    request: Request,
    context: Context,
    known: dict[str, About],
    kind: str,
    member: str,
    details: Callable[[str], dict[str, Any]],
) -> Response:
    """The page of names, or of details, in the order of the IRIs."""
    given = http.parameters(request)
    count = http.flag(given, "count")
    limit = http.whole(given, "limit", _FAR, 0 if count else 1, _FAR)  # 0 goes with count only (5.5.9)
    page = Page(limit, http.whole(given, "offset", 0, 0, _FAR), count)
    found = sorted(known)
    shown_ones = found[page.offset : page.offset + page.limit]
    headers = {"NGSILD-Results-Count": str(len(found))} if count else {}
    if "limit" in given:
        links = page_links(request, given, page, more=page.offset + page.limit < len(found))
        headers |= {"Link": links} if links else {}
    if http.flag(given, "details"):
        return http.answer(request, [details(iri) for iri in shown_ones], context, headers)
    identity = f"urn:ngsi-ld:{kind}:{uuid5(NAMESPACE_URL, ' '.join(shown_ones))}"
    told = {"id": identity, "type": kind, member: [context.compact(iri) for iri in shown_ones]}
    return http.answer(request, told, context, headers)


def _known(about: dict[str, About], iri: str, what: str) -> About:
    if iri not in about:
        raise ResourceNotFound(f"no entity here has {what} ({iri})")
    return about[iri]


def _attribute(iri: str, context: Context) -> dict[str, Any]:
    return {"id": iri, "type": "Attribute", "attributeName": context.compact(iri)}


def _compacted(iris: Iterable[str], context: Context) -> list[str]:
    return sorted(map(context.compact, iris))
