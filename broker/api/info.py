"""What the broker tells of itself: alive, ready, version, the @contexts of its folder."""

from datetime import UTC, datetime
from importlib.resources import files

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker import problems, settings
from broker.api import http
from ngsi import times
from ngsi.errors import ResourceNotFound


async def health(request: Request) -> Response:
    """The process is alive."""
    return _told({"status": "up"})


async def ready(request: Request) -> Response:
    """The broker can serve: the database answers."""
    try:
        await http.broker(request).database.ping()
    except Exception as error:
        return problems.problem(503, "Not ready", f"the database does not answer ({type(error).__name__})")
    return _told({"status": "ready"})


async def version(request: Request) -> Response:
    """What runs here."""
    return _told({"name": "yukitsuri", "version": settings.version(), "ngsi-ld": "1.9.1"})


async def to_page(_: Request) -> Response:
    """Where somebody goes who types the broker's address into a browser."""
    return RedirectResponse("docs")


async def page(_: Request) -> Response:
    """The page that shows the OpenAPI document and sends requests; it needs nothing from elsewhere."""
    return Response(files("broker").joinpath("docs.html").read_bytes(), media_type="text/html; charset=utf-8")


async def source_identity(request: Request) -> Response:
    """retrieveSourceIdentity (5.15.1): who answers here, for this tenant."""
    await http.tenant(request)
    broker, name = http.broker(request), http.tenant_name(request)
    alias = broker.alias
    now = datetime.now(UTC)
    told = {
        "id": f"{broker.identity}:{name}" if name else broker.identity,
        "type": "ContextSourceIdentity",
        "contextSourceAlias": f"{alias}-{name}" if name else alias,
        "contextSourceUptime": _duration(int((now - broker.since).total_seconds())),
        "contextSourceTimeAt": times.text(now),
    }
    return http.answer(request, told, await http.query_context(request))


def _duration(seconds: int) -> str:
    """`seconds` as ISO 8601 writes a duration."""
    days, rest = divmod(seconds, 86_400)
    return f"P{days}DT{rest // 3600}H{rest // 60 % 60}M{rest % 60}S"


async def own_context(request: Request) -> Response:
    """A @context that the broker serves itself, such as the city's."""
    name = request.path_params["name"]
    found = http.broker(request).contexts.own.get(name)
    if found is None:
        raise ResourceNotFound(f"there is no context {name!r} here")
    return Response(found, media_type=http.accepts(request))


def _told(content: dict[str, str]) -> Response:
    return Response(orjson.dumps(content), media_type=http.JSON)
