"""Reading history: queries and retrieval of temporal evolutions (GS CIM 009, 5.7.3, 5.7.4, 6.18, 6.19, 6.24)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, presentation, questions
from broker.api.paging import page_links
from broker.api.settling import entity_id_of
from broker.store import aggregates, history, recall
from ngsi import names, times
from ngsi.downgrade import LATEST, Version, downgraded_evolution, downgraded_types
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.evolution import Shown, TemporalFormat, head, show, show_aggregated
from ngsi.jsonld import Context
from ngsi.language import parse_languages
from ngsi.projection import Projection, parse_projection
from ngsi.query.entities import EntityQuery
from ngsi.query.q import Path
from ngsi.query.temporal import Aggregation, TemporalQuery, parse_aggregation, parse_temporal
from ngsi.terms import SCOPE

# when several are asked for, the first: clients ask for temporalValues, and then for aggregatedValues too
_FORMATS: Final[dict[str, TemporalFormat]] = {
    "aggregatedValues": "aggregatedValues",
    "temporalValues": "temporalValues",
    "simplified": "temporalValues",
    "keyValues": "temporalValues",
    "concise": "concise",
    "normalized": "normalized",
}
_AGGREGATION: Final = frozenset({"aggrMethods", "aggrPeriodDuration", "aggrTimezone"})
_TEMPORAL_QUERY: Final = _AGGREGATION | {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN"}
_OF_BODY: Final = ("attrs", "pick", "omit", "lang", "datasetId")
_Attributes = Callable[[int, Version | None], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants of evolutions: which instances, how they are shown, how they are aggregated.

    `version` is the version of the standard that the asker prefers.
    """

    wanted: history.Wanted
    shown: Shown
    aggregation: Aggregation | None
    version: Version | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Entities as they are answered; `cut` is the time range that a partial answer covers; `altered`: an earlier
    version of the standard shows them otherwise."""

    bodies: list[dict[str, Any]]
    cut: tuple[datetime, datetime] | None = None
    altered: bool = False


async def retrieve(request: Request) -> Response:
    """retrieveTemporal (5.7.3)."""
    given = http.parameters(request)
    entity_id = entity_id_of(request)
    temporal = parse_temporal(given, needed=False)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    asked = _asked(request, given, temporal, context)
    entity = await history.known(http.broker(request).database, tenant, entity_id)
    if entity is None:
        raise ResourceNotFound(f"entity {entity_id} was never known")
    answer = await _answer(request, [entity], asked, context)
    if not answer.bodies:
        raise ResourceNotFound(f"entity {entity_id} has nothing there of what pick and omit leave")
    return _settled(http.answer(request, answer.bodies[0], context), answer, asked)


async def query(request: Request) -> Response:
    """queryTemporal (5.7.4)."""
    given = http.parameters(request)
    temporal = parse_temporal(given, needed=True)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    presentation.refuse_entity_map(given)
    question = questions.question(http.broker(request).settings, given, context)
    return await _queried(request, given, question, temporal, tenant, context)


async def query_by_post(request: Request) -> Response:
    """queryTemporal by POST (5.7.4, 6.24): the filters in the body, page and representation in the URL."""
    given = http.parameters(request)
    body = await http.body(request)
    context = await http.body_context(request, body)
    question = questions.question_of_body(http.broker(request).settings, given, body, context)
    asked = _object(body, "temporalQ", _TEMPORAL_QUERY)
    temporal = parse_temporal(asked, needed=True)
    if body.get("join", "@none") != "@none":
        raise BadRequestData("join: history does not reach into linked entities (5.7.4.4)")
    presentation.refuse_entity_map(body)
    tenant = await http.tenant(request)
    said = {name: _text(name, body[name]) for name in _OF_BODY if name in body}
    # an aggregation is told apart (5.2.44), or among the members of the temporal query (5.2.21)
    within = {name: asked[name] for name in _AGGREGATION & asked.keys()}
    given = {**said, **within, **_object(body, "aggrParams", _AGGREGATION), **given}
    return await _queried(request, given, question, temporal, tenant, context)


async def _queried(
    request: Request,
    given: Mapping[str, Any],
    question: EntityQuery,
    temporal: TemporalQuery,
    tenant: int,
    context: Context,
) -> Response:
    _check_order(question)
    asked = _asked(request, given, temporal, context)
    database, page = http.broker(request).database, question.page
    aggregated = asked.aggregation is not None
    entities = await recall.evolutions(database, tenant, question, temporal, aggregated=aggregated)
    answer = await _answer(request, entities[: page.limit], asked, context)
    headers = {}
    if page.count:
        count = await recall.count_evolutions(database, tenant, question, temporal, aggregated=aggregated)
        headers["NGSILD-Results-Count"] = str(count)
    links = page_links(request, http.parameters(request), page, more=len(entities) > page.limit)
    if links:
        headers["Link"] = links
    return _settled(http.answer(request, answer.bodies, context, headers), answer, asked)


async def _answer(request: Request, entities: Sequence[history.Known], asked: Asked, context: Context) -> Answer:
    database, settings = http.broker(request).database, http.broker(request).settings
    if asked.aggregation is not None:
        most = settings.aggregation_limit
        series = await aggregates.aggregate(database, entities, asked.wanted, asked.aggregation, most)
        return _told(entities, asked, context, lambda no, _: show_aggregated(series.get(no, []), context))
    found = await history.instances(database, entities, asked.wanted)

    def body(no: int, version: Version | None) -> dict[str, Any]:
        attributes = found.attributes.get(no, {})
        if version is not None:
            timed = asked.shown.format == "temporalValues"
            attributes = downgraded_evolution(attributes, version, context, timed=timed)
        return show(attributes, context, asked.shown)

    return replace(_told(entities, asked, context, body), cut=found.cut)


def _told(entities: Sequence[history.Known], asked: Asked, context: Context, attributes: _Attributes) -> Answer:
    """The bodies for the version preferred, whose `attributes` by number of the entity are made for a version; none of
    an entity of which nothing is wanted (4.21)."""

    def bodies(version: Version | None) -> list[dict[str, Any]]:
        return [_head(one, version, context, asked.shown) | attributes(one.no, version) for one in entities]

    told = bodies(asked.version)
    return Answer([body for body in told if body], altered=asked.version is not None and told != bodies(None))


def _head(entity: history.Known, version: Version | None, context: Context, wanted: Shown) -> dict[str, Any]:
    stamps = {"createdAt": entity.created_at, "modifiedAt": entity.modified_at, "deletedAt": entity.deleted_at}
    return head(entity.id, downgraded_types(entity.types, version or LATEST), stamps, context, wanted)


def _asked(request: Request, given: Mapping[str, Any], temporal: TemporalQuery, context: Context) -> Asked:
    settings = http.broker(request).settings
    chosen = http.options(given, frozenset({*_FORMATS, "sysAttrs"}))
    name = given.get("format") or next((item for item in _FORMATS if item in chosen), "normalized")
    if name not in _FORMATS:
        raise BadRequestData(f"format: {shown(name)} is not one of {', '.join(_FORMATS)}")
    kind = _FORMATS[name]
    aggregated = kind == "aggregatedValues"
    if not aggregated and _AGGREGATION & given.keys():
        raise BadRequestData(f"{min(_AGGREGATION & given.keys())}: it goes with format=aggregatedValues (4.5.19)")
    sys_attrs = "sysAttrs" in chosen or http.flag(given, "sysAttrs")
    wanted = history.Wanted(
        temporal,
        projection(given, context),
        shown_attributes(given, context),
        datasets(given),
        settings.temporal_limit,
        tombstones=kind in ("normalized", "concise"),
        system=sys_attrs or temporal.property != "observedAt",
    )
    languages = parse_languages(given["lang"]) if "lang" in given else None
    aggregation = parse_aggregation(given, settings.aggregation_timezone) if aggregated else None
    form = Shown(kind, sys_attrs, wanted.projection, languages, temporal.property)
    return Asked(wanted, form, aggregation, presentation.preferred_version(request.headers.get("prefer", "")))


def shown_attributes(given: Mapping[str, str], context: Context) -> frozenset[str] | None:
    """IRIs of attrs, where scope has a history as well (4.5.6); None for all."""
    scope = {SCOPE} if "scope" in (name.strip() for name in given.get("attrs", "").split(",")) else set()
    return frozenset({*questions.attribute_names(given, context), *scope}) or None


def projection(given: Mapping[str, str], context: Context) -> Projection:
    """pick and omit, which must not reach into linked entities here. Raises BadRequestData."""
    for name in ("pick", "omit"):
        if name in given and "attrs" in given:
            raise BadRequestData(f"attrs: it does not go together with {name} (6.18)")
    found = parse_projection(given.get("pick"), given.get("omit"), context)
    if found.depth:
        raise BadRequestData("pick, omit: history does not reach into linked entities (5.7.3.4)")
    return found


def datasets(given: Mapping[str, str]) -> frozenset[str] | None:
    """The parameter datasetId; None when it is not given. Raises BadRequestData."""
    if "datasetId" not in given:
        return None
    found = [item.strip() for item in given["datasetId"].split(",")]
    strange = next((item for item in found if item != "@none" and not names.is_uri(item)), None)
    if strange is not None:
        raise BadRequestData(f"datasetId: {shown(strange)} is neither a URI nor '@none' (4.5.5)")
    return frozenset(found)


def _check_order(question: EntityQuery) -> None:
    if question.order is None:
        return
    for term in question.order.terms:
        if term.path != Path((), "id") or term.by_distance:
            raise BadRequestData("orderBy: evolutions are ordered by id only: id, id;asc or id;desc (5.7.4.4)")
    if not question.local:
        raise BadRequestData("orderBy: evolutions are ordered with local=true only (5.7.4.4)")


def _object(body: Mapping[str, Any], name: str, members: frozenset[str]) -> Mapping[str, Any]:
    """The object `name` of a Query. Raises BadRequestData for a member that is none: it may be a misspelt one."""
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise BadRequestData(f"{name}: {shown(found)} is not an object (5.2.23)")
    strange = next((member for member in found if member not in members | {"type", "@type"}), None)
    if strange is not None:
        raise BadRequestData(f"{name}: {shown(strange)} is not one of {', '.join(sorted(members))}")
    return {member: value for member, value in found.items() if member in members}


def _text(name: str, value: Any) -> str:
    """A member of a Query as the parameter of that name would have it."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise BadRequestData(f"{name}: {shown(value)} is neither a string nor an array of strings (5.2.23)")
    return ",".join(items)


def _settled(response: Response, answer: Answer, asked: Asked) -> Response:
    """206 and Content-Range when the instances are more than one answer holds (6.3.10), 203 when some were altered."""
    if asked.version is not None:
        response.headers["Preference-Applied"] = "ngsi-ld={}.{}".format(*asked.version)
    if answer.altered:
        response.status_code = 203
    if answer.cut is None:
        return response
    first, last = answer.cut
    temporal = asked.wanted.temporal
    begun, size = (temporal.end or first, str(temporal.last)) if temporal.last else (temporal.start or first, "*")
    response.status_code = 206
    response.headers["Content-Range"] = f"date-time {times.text(begun)}-{times.text(last)}/{size}"
    return response
