"""/temporal/entities/{id} (GS CIM 009, 6.19): the history of one entity."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.questions import attribute_names
from broker.api.settling import entity_id_of
from broker.store import history
from ngsi import times
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.representation import normalized_instance

_PARAMETERS = frozenset({"attrs", "lastN", "timerel", "timeAt", "endTimeAt", "timeproperty", "options", "local"})


async def retrieve(request: Request) -> Response:
    """retrieveTemporal (5.7.3), normalized: every attribute is an array of instances."""
    given = http.parameters(request, _PARAMETERS)
    http.accepts(request)
    entity_id = entity_id_of(request)
    most = http.broker(request).settings.temporal_limit
    window = _window(given, most)
    sys_attrs = "sysAttrs" in http.options(given, frozenset({"normalized", "sysAttrs"}))
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    database = http.broker(request).database
    entity = await history.evolution(database, tenant, entity_id, window, attribute_names(given, context))
    if entity is None:
        raise ResourceNotFound(f"entity {entity_id} was never known")
    types = [context.compact(iri) for iri in entity.types]
    content: dict[str, Any] = {"id": entity.id, "type": types[0] if len(types) == 1 else types}
    content |= {
        context.compact(iri): [normalized_instance(item, context, sys_attrs) for item in instances]
        for iri, instances in entity.attributes.items()
    }
    return http.answer(request, content, context)


def _window(given: Mapping[str, str], most: int) -> history.Window:
    if given.get("timeproperty", "observedAt") != "observedAt":
        raise BadRequestData(f"timeproperty: {shown(given['timeproperty'])} is not supported yet; observedAt is")
    last = http.whole(given, "lastN", 0, 1, most) or None
    relation = given.get("timerel")
    if relation is None:
        if "timeAt" in given or "endTimeAt" in given:
            raise BadRequestData("timerel: timeAt and endTimeAt need it (4.11)")
        return history.Window(last=last, limit=most)
    if "timeAt" not in given:
        raise BadRequestData("timeAt: timerel needs it (4.11)")
    at = times.date_time(given["timeAt"].replace(" ", "+"), "timeAt")
    if relation == "before":
        return history.Window(end=at, last=last, limit=most)
    if relation == "after":
        return history.Window(start=at, last=last, limit=most)
    if relation != "between":
        raise BadRequestData(f"timerel: {shown(relation)} is not one of before, after, between (4.11)")
    end = times.date_time(given.get("endTimeAt", "").replace(" ", "+"), "endTimeAt")
    if end - at < timedelta(0):
        raise BadRequestData(f"endTimeAt: {shown(given['endTimeAt'])} is before timeAt")
    return history.Window(at, end, last, most)
