"""DELETE /entities: entities, or some of their attributes, chosen by a query (GS CIM 009, 5.6.21, 6.4.3.3)."""

from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, presentation, questions
from broker.api.settling import refuse_precondition
from broker.store import entities
from broker.store.changes import Operation
from ngsi import patch
from ngsi.change import Change
from ngsi.entity import Entity
from ngsi.errors import BadRequestData
from ngsi.jsonld import Context
from ngsi.naming import attribute_in
from ngsi.query.match import match
from ngsi.query.q import link_depth

_CHUNK = 500


async def purge(request: Request) -> Response:
    """purgeEntity (5.6.21): 204, also when nothing matched."""
    given = http.parameters(request)
    presentation.refuse_named_map(request)
    refuse_precondition(request)
    context = await http.query_context(request)
    settings, database = http.broker(request).settings, http.broker(request).database
    query = questions.question(settings, given, context)
    if query.q is not None and link_depth(query.q):
        raise BadRequestData("q: a purge does not follow Relationships (5.6.21.4)")
    chosen, keep = _members(given, context)
    tenant = await http.tenant(request)
    matches = match(query)

    def rule(before: Entity | None, now: datetime) -> Change:
        if before is None or not matches(before):  # it changed since it was found
            return Change(before, before)
        return patch.delete(before, before.id, now) if chosen is None else patch.prune(before, chosen, now, keep=keep)

    await http.broker(request).expiry.settled()
    found = await entities.ids(database, tenant, query)
    for start in range(0, len(found), _CHUNK):
        chunk = [Operation(tenant, entity_id, rule) for entity_id in found[start : start + _CHUNK]]
        await http.broker(request).provision.apply(chunk)
    return http.done(request)


def _members(given: Mapping[str, str], context: Context) -> tuple[frozenset[str] | None, bool]:
    """The attributes of `drop` or `keep` and whether they are kept; None when the entities go whole."""
    if "keep" in given and "drop" in given:
        raise BadRequestData("keep: it excludes drop (6.4.3.3)")
    name = "keep" if "keep" in given else "drop"
    if name not in given:
        return None, False
    listed = [context.term(item.strip()) for item in given[name].split(",")]
    return frozenset(item if item == "scope" else attribute_in(name, item, context) for item in listed), name == "keep"
