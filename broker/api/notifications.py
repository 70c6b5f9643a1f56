"""What became of a subscription's notifications (ours): replay, dead letters, account, explanation."""

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.api import http, subscriptions
from broker.store import subscriptions as store
from broker.subscriptions.replay import replay
from ngsi import times
from ngsi.entity import Entity, parse_entity
from ngsi.matching import explanation
from ngsi.notification import Form
from ngsi.subscription import read

_MOST: Final = 1000


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
    clauses = explanation(read(found.document), entity)
    status = subscriptions.status(found.document)
    body: dict[str, Any] = {"matches": status == "active" and all(clauses.values()), "status": status}
    return http.done(request, 200, {**body, "clauses": clauses})


def _place(request: Request) -> tuple[int, int]:
    given = http.parameters(request)
    return http.whole(given, "after", 0, 0, 999_999_999), http.whole(given, "limit", 100, 1, _MOST)


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
