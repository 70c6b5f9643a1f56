"""One operation on one entity: the type and version it is meant for, its change or error (GS CIM 009, 5.6).

Versions are HTTP's: ETag, If-Match, If-None-Match (RFC 9110, 13).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request

from broker.api import http
from broker.store.changes import Effect, Operation, Outcome
from ngsi import names
from ngsi.change import Change
from ngsi.entity import Entity, Fragment
from ngsi.errors import BadRequestData, NgsiLdError, PreconditionFailed, ResourceNotFound, shown
from ngsi.jsonld import Context
from ngsi.merge import MergeFragment
from ngsi.query.match import Predicate, match_types
from ngsi.query.types import parse_types
from ngsi.temporal import Evolution

F = TypeVar("F", Fragment, MergeFragment, Evolution)
Rule = Callable[[Entity | None, datetime], Change]

_TAGS: Final = re.compile(r'\s*(\*|(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*)\s*')
_TAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e]*")')


def entity_id_of(request: Request) -> str:
    return names.entity_id(request.path_params["id"])


def for_path(fragment: F, entity_id: str) -> F:
    """`fragment` with the id of the path, which is the only one that it may say. Raises BadRequestData."""
    if fragment.id is not None and fragment.id != entity_id:
        raise BadRequestData(f"id: {shown(fragment.id)} is not the id of the path, {shown(entity_id)}")
    return replace(fragment, id=entity_id)


def etag(entity: Entity) -> str:
    """The entity's version: no two changes of one entity share an instant."""
    assert entity.modified_at is not None
    return _tag(entity.modified_at)


def _tag(modified_at: datetime) -> str:
    return f'"{int(modified_at.timestamp() * 1_000_000):x}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """If-Match and If-None-Match (ours): `*`, or entity tags."""

    match: str | None = None
    none_match: str | None = None

    @classmethod
    def of(cls, headers: Headers) -> "Precondition | None":
        """None when the request has none. Raises BadRequestData for a header that holds no entity tags."""
        given = {name: headers.get(name) for name in ("if-match", "if-none-match")}
        for name, value in given.items():
            if value is not None and not _TAGS.fullmatch(value):
                raise BadRequestData(
                    f"{name}: {shown(value)} is neither * nor a list of entity tags in quotation marks"
                )
        return cls(given["if-match"], given["if-none-match"]) if any(given.values()) else None

    def check(self, entity: Entity | None) -> None:
        """Raises PreconditionFailed unless `entity` (None: there is none) is as the request expects it."""
        if self.match is not None and not _holds(self.match, entity):
            is_now = "there is no such entity" if entity is None else f"it is {etag(entity)} now"
            raise PreconditionFailed(f"If-Match: {shown(self.match)} is not the entity's version; {is_now}")
        if self.none_match is not None and _holds(self.none_match, entity):
            raise PreconditionFailed(f"If-None-Match: the entity is {shown(self.none_match)}")


def refuse_precondition(request: Request) -> None:
    """Raises PreconditionFailed for a write to many entities that expects a version: there is no single one."""
    if Precondition.of(request.headers) is not None:
        raise PreconditionFailed(
            "If-Match, If-None-Match: this operation is not about one entity, whose version counts"
        )


def is_known(headers: Headers, entity: Entity) -> bool:
    """Whether a reader who sent If-None-Match has this version already."""
    return _holds(headers.get("if-none-match", ""), entity)


def _holds(header: str, entity: Entity | None) -> bool:
    if entity is None:
        return False
    return header.strip() == "*" or etag(entity) in _TAG.findall(header)


async def settle(
    request: Request,
    entity_id: str,
    rule: Rule,
    *,
    create: bool = False,
    context: Context | None = None,
    past: bool = False,
) -> Effect:
    """Apply `rule` to the entity that the request is meant for; its error is raised.

    The entity must be there, unless the rule may `create` it or its `past` alone will do. `context` expands the names
    of the parameter `type`; the Link header's without one.
    """
    tenant = await http.tenant(request, create=create)
    precondition = Precondition.of(request.headers)
    given = http.parameters(request)
    if not (create or past):
        rule = _of_one(rule, entity_id)
    if precondition is not None or "type" in given:
        types = parse_types(given["type"], context or await http.query_context(request)) if "type" in given else None
        rule = _guarded(rule, precondition, None if types is None else match_types(types))
    outcome: Outcome = await http.broker(request).provision.one(Operation(tenant, entity_id, rule))
    if isinstance(outcome, NgsiLdError):
        raise outcome
    return outcome


def _of_one(rule: Rule, entity_id: str) -> Rule:
    """`rule` for an entity that must be there."""

    def of_one(before: Entity | None, now: datetime) -> Change:
        if before is None:
            raise ResourceNotFound(f"entity {entity_id} does not exist")
        return rule(before, now)

    return of_one


def _guarded(rule: Rule, precondition: Precondition | None, selected: Predicate | None) -> Rule:
    def guarded(before: Entity | None, now: datetime) -> Change:
        if before is not None and selected is not None and not selected(before):
            raise ResourceNotFound(f"entity {before.id} is not of the type that the request selects (4.17)")
        if precondition is not None:
            precondition.check(before)
        return rule(before, now)

    return guarded


def versioned(effect: Effect) -> dict[str, str]:
    """The ETag header of the entity as an operation left it."""
    return {} if effect.modified_at is None else {"ETag": _tag(effect.modified_at)}
