"""/stream (ours): changes as they happen, to browsers and programs, by Server-Sent Events and by WebSocket.

The id of an event is its place in the log: after a broken connection `Last-Event-ID` (a browser sends it by itself) or
the parameter lastEventId goes on there without a gap.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from broker.api import http, parameters, presentation, questions
from broker.api.http import Broker
from broker.log.live import Watcher
from broker.store import log
from broker.store.tenants import tenant_no
from ngsi import times
from ngsi.errors import BadRequestData, NgsiLdError, NonexistentTenant, shown
from ngsi.event import Event
from ngsi.jsonld import Context
from ngsi.query.match import match
from ngsi.representation import Representation, represent

EVENTS: Final = "text/event-stream"
_OWN: Final = frozenset({"tenant", "lastEventId", "jsonldContext"})
_WORDS: Final = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Told:
    """One message: `kind` created, updated, deleted, gap (what was asked for is not in the log) or alive."""

    id: int
    kind: str
    content: Any


async def events(request: Request) -> Response:
    """Changes of the entities that a query selects, as Server-Sent Events."""
    given = http.parameters(request)
    name = given.get("tenant") or http.tenant_name(request)
    url = given.get("jsonldContext") or http.link_context(request)
    told = await _open(http.broker(request), given, name, url, request.headers.get("last-event-id"))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(told), 200, headers, media_type=EVENTS)


async def websocket(socket: WebSocket) -> None:
    """The same by WebSocket: one JSON object {id, event, entity} per message."""
    broker: Broker = socket.app.state.broker
    if not _is_welcome(socket, broker.settings.cors_origins):
        await socket.close(4403, "this page may not read here; BROKER_CORS_ORIGINS may name it")
        return
    await socket.accept()
    try:
        allowed = presentation.BODY_MEMBERS | questions.PARAMETERS | _OWN | {"options", "format", "sysAttrs", "local"}
        given = parameters.parse(socket.scope["query_string"], allowed)
        name = given.get("tenant") or socket.headers.get("ngsild-tenant") or socket.headers.get("fiware-service", "")
        async for told in await _open(broker, given, name, given.get("jsonldContext"), None):
            await socket.send_bytes(orjson.dumps({"id": told.id, "event": told.kind, "entity": told.content}))
        await socket.close(4408, "too slow; go on with lastEventId")
    except NgsiLdError as error:
        await socket.send_json(error.problem())
        await socket.close(4400)
    except WebSocketDisconnect:
        return


def _is_welcome(socket: WebSocket, origins: str) -> bool:
    """A browser sends the page's origin with it and asks nobody: a page of another site is refused."""
    origin = socket.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == socket.headers.get("host"):
        return True
    allowed = {item.strip().rstrip("/") for item in origins.split(",")}
    return "*" in allowed or origin in allowed


async def _open(
    broker: Broker, given: Mapping[str, str], tenant: str, url: str | None, last: str | None
) -> AsyncIterator[Told]:
    """The messages that are asked for; everything that can be wrong is raised here."""
    if tenant and not http.is_tenant(tenant):
        raise BadRequestData(f"tenant: {shown(tenant)} is not {http.TENANT_RULE}")
    no = await tenant_no(broker.database, tenant)
    if no is None:
        raise NonexistentTenant(f"NGSILD-Tenant: there is no tenant {shown(tenant)}")
    context = await broker.contexts.load(url, tenant)
    rest = {name: value for name, value in given.items() if name not in _OWN}
    wanted = presentation.presentation(rest, context, http.JSON, "").representation
    selects = match(questions.question(broker.settings, rest, context))
    after = _place(given.get("lastEventId") or last)
    if after is None:  # whoever has our answer misses nothing that happens then
        after = await log.head(broker.database)
    watcher = Watcher(no, lambda event: selects(event.entity))
    return _told(broker, watcher, after, context, wanted)


def _place(last: str | None) -> int | None:
    if last is None:
        return None
    if not last.isdigit() or len(last) > 18:
        raise BadRequestData(f"lastEventId: {shown(last)} is not the id of an event")
    return int(last)


async def _told(
    broker: Broker, watcher: Watcher, after: int, context: Context, wanted: Representation
) -> AsyncIterator[Told]:
    oldest = await log.oldest(broker.database)
    if after < oldest - 1:
        yield Told(oldest - 1, "gap", {"after": after, "oldest": oldest})
    async for event in broker.live.watch(watcher, after):
        if event is None:
            yield Told(broker.live.position, "alive", None)
        else:
            yield Told(event.seq, _WORDS[event.operation], _shown(event, context, wanted))


def _shown(event: Event, context: Context, wanted: Representation) -> Any:
    if event.attributes is not None:
        return represent(event.entity, context, wanted)
    types = [context.compact(iri) for iri in event.types]
    kind = types[0] if len(types) == 1 else types
    return {"id": event.id, "type": kind, "deletedAt": times.text(event.modified_at)}


async def _lines(messages: AsyncIterator[Told]) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for told in messages:
        if told.kind == "alive":  # an id alone is no event, but the place to go on from
            yield b": alive\nid: %d\n\n" % told.id
        else:
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (told.id, told.kind.encode(), orjson.dumps(told.content))
