"""/entityOperations (GS CIM 009, 6.14 to 6.17)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.entities import merging, resolving
from broker.api.settling import refuse_precondition
from broker.store.changes import BREATH, Effect, Operation, Outcome
from ngsi import aliases, names, patch
from ngsi import merge as merge_patch
from ngsi.entity import Fragment, parse_entity, parse_fragment, parse_update
from ngsi.errors import BadRequestData, NgsiLdError
from ngsi.jsonld import Context
from ngsi.merge import MergeFragment

F = TypeVar("F", Fragment, MergeFragment)
Parse = Callable[[Any, Context], F]
Rule = Callable[[F], Callable[[Any, Any], Any]]


async def create(request: Request) -> Response:
    """createBatch (5.6.7): 201 with the ids, or 207."""
    results = await _each(request, parse_entity, lambda it: lambda old, now: patch.create(old, it, now), create=True)
    return _answer(request, results, created=True)


async def upsert(request: Request) -> Response:
    """upsertBatch (5.6.8): 201 with the created ids, 204 when all existed, or 207."""
    given = http.parameters(request)
    chosen = http.options(given, frozenset({"replace", "update", "keepNewest"}))
    if {"replace", "update"} <= chosen:
        raise BadRequestData("options: replace and update exclude each other")
    update, newest = "update" in chosen, "keepNewest" in chosen
    results = await _each(
        request,
        parse_update if update else parse_entity,
        lambda it: lambda old, now: patch.upsert(old, it, now, update=update, keep_newest=newest),
        create=True,
    )
    return _answer(request, results, created=True)


async def update(request: Request) -> Response:
    """updateBatch (5.6.9): 204 or 207."""
    given = http.parameters(request)
    keep = "noOverwrite" in http.options(given, frozenset({"noOverwrite", "update", "replace"}))
    results = await _each(request, _with_id, lambda it: lambda old, now: patch.append(old, it, now, no_overwrite=keep))
    return _answer(request, results)


async def merge(request: Request) -> Response:
    """mergeBatch (5.6.20): 204 or 207."""

    read = merging(request)

    def parse(item: Any, context: Context) -> MergeFragment:
        return _identified(read(item, context))

    results = await _each(
        request, parse, lambda it: lambda old, now: merge_patch.merge(old, it, now), resolve=resolving(request)
    )
    return _answer(request, results)


async def delete(request: Request) -> Response:
    """deleteBatch (5.6.10): 204 or 207."""
    ids = _listed(request, await http.body(request, array=True))
    tenant = await http.tenant(request)
    results: list[tuple[str, Outcome]] = []
    operations = []
    for item in ids:
        try:
            entity_id = names.entity_id(item)
        except BadRequestData as error:
            results.append((item if isinstance(item, str) else "", error))
            continue
        operations.append(Operation(tenant, entity_id, _deletion(entity_id)))
    outcomes = await http.broker(request).provision.apply(operations) if operations else []
    results += [(operation.id, outcome) for operation, outcome in zip(operations, outcomes, strict=True)]
    return _answer(request, results)


def _deletion(entity_id: str) -> Callable[[Any, Any], Any]:
    return lambda before, now: patch.delete(before, entity_id, now)


def _with_id(item: Any, context: Context) -> Fragment:
    return _identified(parse_fragment(item, context))


def _identified(fragment: F) -> F:
    if fragment.id is None:
        raise BadRequestData("id: each entity of a batch needs its id")
    return fragment


def _listed(request: Request, content: Any) -> list[Any]:
    refuse_precondition(request)
    if not isinstance(content, list) or not content:
        raise BadRequestData("a batch is a JSON array with at least one item (5.6.7)")
    most = http.broker(request).settings.max_batch
    if len(content) > most:
        raise BadRequestData(f"the batch has {len(content)} entities, at most {most} are taken (BROKER_MAX_BATCH)")
    if None in content:
        raise BadRequestData("a batch must not hold null (5.6.7)")
    return content


async def _each(
    request: Request,
    parse: Parse[F],
    rule: Rule[F],
    *,
    create: bool = False,
    resolve: http.Resolve = aliases.resolve,
) -> list[tuple[str, Outcome]]:
    """Parse and apply every item; each one's error is its own, in the order of the body."""
    items = _listed(request, await http.body(request, array=True))
    if http.is_ld(request) and http.link_context(request) is not None:
        raise BadRequestData("Link: a body of application/ld+json brings its own @context")
    shared = None if http.is_ld(request) else await http.query_context(request)
    tenant = await http.tenant(request, create=create)
    results: list[tuple[str, Outcome | None]] = []
    operations: list[Operation] = []
    for item in _let_go(items):
        entity_id = str(item.get("id", item.get("@id", ""))) if isinstance(item, dict) else ""
        try:
            if shared is not None and not (isinstance(item, dict) and "@context" in item):
                context = shared
                resolve(item, context)
            else:
                context = await http.body_context(request, item, resolve)
            fragment = parse(item, context)
        except NgsiLdError as error:
            results.append((entity_id, error))
            continue
        results.append((fragment.id or entity_id, None))
        operations.append(Operation(tenant, fragment.id or entity_id, rule(fragment)))
        if len(operations) % BREATH == 0:
            await asyncio.sleep(0)
    outcomes = iter(await http.broker(request).provision.apply(operations) if operations else [])
    return [(entity_id, next(outcomes) if known is None else known) for entity_id, known in results]


def _let_go(items: list[Any]) -> Iterator[Any]:
    """The items in their order, kept no longer: what is parsed makes room for the next, in the processor's cache."""
    items.reverse()
    while items:
        yield items.pop()


def _answer(request: Request, results: list[tuple[str, Outcome]], *, created: bool = False) -> Response:
    errors = [
        {"entityId": entity_id, "error": outcome.problem()}
        for entity_id, outcome in results
        if isinstance(outcome, NgsiLdError)
    ]
    refused = [
        {"entityId": entity_id, "error": _untouched(outcome).problem()}
        for entity_id, outcome in results
        if not isinstance(outcome, NgsiLdError) and outcome.not_updated
    ]
    good = list(
        dict.fromkeys(
            entity_id
            for entity_id, outcome in results
            if not isinstance(outcome, NgsiLdError) and not outcome.not_updated
        )
    )
    if errors or refused:
        return http.done(request, 207, {"success": good, "errors": errors + refused})
    made = dict.fromkeys(
        entity_id for entity_id, outcome in results if not isinstance(outcome, NgsiLdError) and outcome.created
    )
    return http.done(request, 201, list(made)) if created and made else http.done(request)


def _untouched(effect: Effect) -> BadRequestData:
    """What a batch tells of an entity of which some attributes stayed as they were."""
    told = "; ".join(f"{iri}: {reason}" for iri, reason in effect.not_updated)
    return BadRequestData(f"not updated, unlike the rest of the entity: {told}")
