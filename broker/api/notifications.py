"""What became of a subscription's notifications (ours): replay, dead letters, account, explanation."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, subscriptions
from broker.store import subscriptions as store
from broker.store.changes import Operation
from broker.subscriptions.linked import learn
from broker.subscriptions.message import hops
from broker.subscriptions.replay import replay
from ngsi import patch, times
from ngsi.change import Change
from ngsi.entity import Entity, Fragment, parse_entity, parse_update
from ngsi.errors import BadRequestData, NgsiLdError, ResourceNotFound
from ngsi.matching import explanation, matcher
from ngsi.notification import Form
from ngsi.subscription import read

_MOST: Final = 1000
_MOST_HOPS: Final = 50

Rule = Callable[[Entity | None, datetime], Change]


async def replayed(request: Request) -> Response:
    """The notifications after number `after`, made once more from the log."""
    after, limit = _place(request)
    found = await subscriptions.stored(request)
    subscription = read(found.document)
    source = subscription.jsonld_context or found.context
    form = Form(subscription, await http.broker(request).contexts.load(source, http.tenant_name(request)), source)
    database = http.broker(request).database
    tenant = await http.tenant(request)
    made = await replay(database, found.no, tenant, subscription, form, after, limit)
    body = b",".join(b'{"sequence":%d,"notification":%b}' % (one.sequence, one.body) for one in made)
    return Response(b"[" + body + b"]", 200, None, media_type=http.JSON)


async def receive(request: Request) -> Response:
    """Take a notification of another broker: its entities are updated here, unless it has been here before."""
    passed = hops(", ".join(request.headers.getlist("via")))
    if len(passed) > _MOST_HOPS:
        raise BadRequestData(f"Via: the notification came by {len(passed)} brokers; {_MOST_HOPS} are the most")
    if http.broker(request).alias in passed:
        return http.done(request)  # a loop ends here
    content = await http.body(request)
    entities = content.get("data") if isinstance(content, dict) else None
    if not isinstance(entities, list) or content.get("type") != "Notification":
        raise BadRequestData("the body is not a Notification with an array of entities as data (5.3.1)")
    context = await http.body_context(request, content)
    tenant = await http.tenant(request, create=True)
    operations = []
    for item in entities:
        gone = isinstance(item, dict) and "deletedAt" in item
        fragment = parse_update(item, context)
        assert fragment.id is not None
        rule = _deleted(fragment.id) if gone else _updated(fragment)
        operations.append(Operation(tenant, fragment.id, rule, " ".join(passed) or None))
    for outcome in await http.broker(request).provision.apply(operations):
        if isinstance(outcome, NgsiLdError) and not isinstance(outcome, ResourceNotFound):
            raise outcome
    return http.done(request)


def _updated(fragment: Fragment) -> Rule:
    return lambda before, now: patch.upsert(before, fragment, now, update=True, keep_newest=True)


def _deleted(entity_id: str) -> Rule:
    return lambda before, now: patch.delete(before, entity_id, now)


async def dead_letters(request: Request) -> Response:
    """The notifications that nobody took, with the reasons."""
    after, limit = _place(request)
    found = await subscriptions.stored(request)
    letters = await store.letters(http.broker(request).database, found.no, after, limit)
    return http.done(request, 200, [_shown(letter) for letter in letters])


async def redrive(request: Request) -> Response:
    """Send the dead letters again; tells how many there are."""
    found = await subscriptions.stored(request)
    count = await store.redrive(http.broker(request).database, found.no)
    return http.done(request, 202, {"redriven": count})


async def account(request: Request) -> Response:
    """Changes by what became of them: matched = delivered + pending + dead + coalesced."""
    told = (await subscriptions.stored(request)).told
    body = {name: told[name] for name in ("matched", "delivered", "pending", "dead", "coalesced", "sequence")}
    if told["failure"]:
        body["failure"] = told["failure"]
    return http.done(request, 200, body)


async def explain(request: Request) -> Response:
    """Which clauses of the subscription hold for the entity in the body, were it created now."""
    content = await http.body(request)
    fragment = parse_entity(content, await http.body_context(request, content))
    found = await subscriptions.stored(request)
    assert fragment.id is not None
    entity = Entity(fragment.id, fragment.types, fragment.attributes, fragment.scopes or [])
    subscription = read(found.document)
    compiled = matcher(subscription)
    await learn(http.broker(request).database.lookups, await http.tenant(request), compiled, entity)
    clauses = explanation(subscription, compiled, entity)
    status = subscriptions.status(found.document)
    body: dict[str, Any] = {"matches": status == "active" and all(clauses.values()), "status": status}
    return http.done(request, 200, {**body, "clauses": clauses})


def _place(request: Request) -> tuple[int, int]:
    given = http.parameters(request)
    return int(given.get("after", 0)), http.whole(given, "limit", 100, 1, _MOST)


def _shown(letter: dict[str, Any]) -> dict[str, Any]:
    return {
        "sequence": letter["sequence"],
        "id": letter["id"],
        "attempts": letter["attempts"],
        "reason": letter["reason"],
        "diedAt": times.text(letter["died_at"]),
        "redriving": letter["redrive"],
        "notification": orjson.loads(letter["body"]) if letter["body"] else None,
    }
