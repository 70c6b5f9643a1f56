"""Questions about current state: GET /entities and /entities/{id} (GS CIM 009, 5.7.1, 5.7.2)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, presentation, questions
from broker.api.entities import entity_id_of
from broker.store import entities
from ngsi.errors import ResourceNotFound
from ngsi.query.entities import Page
from ngsi.representation import represent


async def query(request: Request) -> Response:
    """queryEntity (5.7.2)."""
    given = http.parameters(request, questions.PARAMETERS | presentation.PARAMETERS)
    http.accepts(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    question = questions.question(http.broker(request).settings, given, context)
    database = http.broker(request).database
    found = await entities.find(database, tenant, question) if question.page.limit else []
    wanted = presentation.representation(given, context)
    headers: dict[str, str] = {}
    if question.page.count:
        headers["NGSILD-Results-Count"] = str(await entities.count(database, tenant, question))
    links = _page_links(request, given, question.page, len(found))
    if links:
        headers["Link"] = links
    return http.answer(request, [represent(item, context, wanted) for item in found], context, headers)


async def retrieve(request: Request) -> Response:
    """retrieveEntity (5.7.1)."""
    given = http.parameters(request, presentation.PARAMETERS | {"type"})
    http.accepts(request)
    entity_id = entity_id_of(request)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    entity = await entities.retrieve(http.broker(request).database, tenant, entity_id)
    if entity is None:
        raise ResourceNotFound(f"entity {entity_id} does not exist")
    wanted = presentation.representation(given, context)
    if wanted.attributes is not None and wanted.attributes.isdisjoint(entity.attributes):
        raise ResourceNotFound(f"entity {entity_id} has none of the attributes {given['attrs']}")
    return http.answer(request, represent(entity, context, wanted), context)


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
