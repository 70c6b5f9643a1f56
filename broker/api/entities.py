"""/entities and /entities/{id}: what is written (GS CIM 009, 6.4, 6.5, 6.6)."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.settling import entity_id_of, for_path, settle, versioned
from broker.store.changes import Effect
from ngsi import aliases, names, patch
from ngsi.entity import Fragment, parse_entity, parse_fragment, refuse_null
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.merge import MergeFragment, merge, parse_merge
from ngsi.terms import SCOPE
from ngsi.times import date_time, text

_BARE: Final = frozenset({"simplified", "keyValues"})
_INPUT_FORMATS: Final = _BARE | {"normalized", "concise"}


async def create(request: Request) -> Response:
    """createEntity (5.6.1)."""
    content = await http.body(request)
    fragment = parse_entity(content, await http.body_context(request, content))
    entity_id = str(fragment.id)
    effect = await settle(request, entity_id, lambda before, now: patch.create(before, fragment, now), create=True)
    return http.done(request, 201, headers=http.location(entity_id) | versioned(effect))


async def replace(request: Request) -> Response:
    """replaceEntity (5.6.18)."""
    entity_id, content, context = await _sent(request)
    if isinstance(content, dict):
        content = {"id": entity_id, **content}
    fragment = parse_entity(content, context)
    fragment = for_path(fragment, entity_id)
    effect = await settle(
        request, entity_id, lambda before, now: patch.replace_entity(before, fragment, now), context=context
    )
    return http.done(request, headers=versioned(effect))


async def merge_entity(request: Request) -> Response:
    """mergeEntity (5.6.17)."""
    entity_id, content, context = await _sent(request, resolving(request))
    fragment = for_path(merging(request)(content, context), entity_id)
    effect = await settle(request, entity_id, lambda before, now: merge(before, fragment, now), context=context)
    return http.done(request, headers=versioned(effect))


async def delete(request: Request) -> Response:
    """deleteEntity (5.6.6)."""
    entity_id = entity_id_of(request)
    await settle(request, entity_id, lambda before, now: patch.delete(before, entity_id, now))
    return http.done(request)


async def append_attributes(request: Request) -> Response:
    """appendAttrs (5.6.3)."""
    given = http.parameters(request)
    keep = "noOverwrite" in http.options(given, frozenset({"noOverwrite"}))
    entity_id, content, context = await _sent(request)
    fragment = _fragment(content, context, entity_id)
    refuse_null(fragment)
    effect = await settle(
        request, entity_id, lambda before, now: patch.append(before, fragment, now, no_overwrite=keep), context=context
    )
    return _update_result(request, effect, fragment)


async def update_attributes(request: Request) -> Response:
    """updateAttrs (5.6.2)."""
    entity_id, content, context = await _sent(request)
    fragment = _fragment(content, context, entity_id)
    effect = await settle(request, entity_id, lambda before, now: patch.update(before, fragment, now), context=context)
    return _update_result(request, effect, fragment)


def merging(request: Request) -> Callable[[Any, Context], MergeFragment]:
    """How the fragments of a merge are read, as the parameters say. Raises BadRequestData for those."""
    given = http.parameters(request)
    observed_at = (
        text(date_time(given["observedAt"].replace(" ", "+"), "observedAt")) if "observedAt" in given else None
    )
    return partial(
        parse_merge,
        simplified=_is_simplified(request),
        observed_at=observed_at,
        language=names.language_tag(given["lang"]) if "lang" in given else None,
    )


def resolving(request: Request) -> http.Resolve:
    """How a merge's other names for the standard's members are found. Raises as `merging` does."""
    return aliases.resolve_simplified if _is_simplified(request) else aliases.resolve


def _is_simplified(request: Request) -> bool:
    given = http.parameters(request)
    chosen = http.options(given, _INPUT_FORMATS)
    if "format" in given:  # it goes before options (6.5.3.4)
        chosen = frozenset({given["format"]})
    if not chosen <= _INPUT_FORMATS:
        raise BadRequestData(f"format: {shown(given['format'])} is not one of {', '.join(sorted(_INPUT_FORMATS))}")
    return not chosen.isdisjoint(_BARE)


async def _sent(request: Request, resolve: http.Resolve = aliases.resolve) -> tuple[str, Any, Context]:
    """The id of the path, the body, and the body's @context."""
    entity_id = entity_id_of(request)
    content = await http.body(request)
    return entity_id, content, await http.body_context(request, content, resolve)


def _fragment(content: Any, context: Context, entity_id: str) -> Fragment:
    return for_path(parse_fragment(content, context), entity_id)


def _update_result(request: Request, effect: Effect, fragment: Fragment) -> Response:
    """204, or 207 when something of the fragment was left as it was; with full names, as it has no @context (6.3.6)."""
    if not effect.not_updated:
        return http.done(request, headers=versioned(effect))
    refused = [{"attributeName": iri, "reason": reason} for iri, reason in effect.not_updated]
    untouched = {iri for iri, _ in effect.not_updated} - set(effect.touched)
    said = [*fragment.attributes, *([] if fragment.scopes is None else [SCOPE])]
    updated = [iri for iri in said if iri not in untouched]
    return http.done(request, 207, {"updated": updated, "notUpdated": refused}, versioned(effect))
