"""What every operation needs of a request and a response: parameters, body, @context, tenant, headers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker import links
from broker.api import bodies
from broker.api.negotiation import GEO as GEO
from broker.api.negotiation import JSON as JSON
from broker.api.negotiation import LD as LD
from broker.api.renderings import Renderings
from broker.contexts import Contexts, is_compound, served
from broker.expiry import Expiry
from broker.log.live import Live
from broker.provision import Provision
from broker.settings import Settings
from broker.store.db import Database
from broker.store.tenants import tenant_no
from ngsi import aliases
from ngsi.errors import BadRequestData, InvalidRequest, NonexistentTenant, shown
from ngsi.jsonld import Context

Resolve = Callable[[Any, Context], None]

_TENANT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}")
TENANT_RULE: Final = (
    "a name of at most 128 letters, digits, '_', '-', '.' and ':' that begins with a letter, a digit or '_'"
)


@dataclass(frozen=True, slots=True)
class Broker:
    """The parts that operations use; one for the process."""

    settings: Settings
    database: Database
    contexts: Contexts
    provision: Provision
    live: Live
    expiry: Expiry
    renderings: Renderings
    identity: str  # a URI
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def alias(self) -> str:
        """The name that this broker goes by in Via."""
        return self.settings.context_source_alias or self.identity.rpartition(":")[2]


def broker(request: Request) -> Broker:
    found: Broker = request.app.state.broker
    return found


def parameters(request: Request, allowed: frozenset[str] | None = None) -> Mapping[str, str]:
    """The query parameters, checked against the operation's row of the table; `allowed` may narrow it further.

    Raises InvalidRequest for one that is not allowed (6.3.20).
    """
    given: Mapping[str, str] = request.scope["given"]
    for name in given if allowed is not None else ():
        if name not in (allowed or ()):
            raise InvalidRequest(
                f"{name}: unknown query parameter; this operation takes {', '.join(sorted(allowed or ()))}"
            )
    return given


def flag(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise BadRequestData(f"{name}: {shown(value)} is neither true nor false")
    return value == "true"


def whole(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not least <= int(value) <= most:
        raise BadRequestData(f"{name}: {shown(value)} is not a whole number from {least} to {most}")
    return int(value)


def options(given: Mapping[str, str], allowed: frozenset[str]) -> frozenset[str]:
    chosen = frozenset(item.strip() for item in given["options"].split(",")) if "options" in given else frozenset()
    strange = chosen - allowed
    if strange:
        raise BadRequestData(f"options: {shown(min(strange))} is not one of {', '.join(sorted(allowed))}")
    return chosen


async def tenant(request: Request, *, create: bool = False) -> int:
    """The number of the request's tenant; raises NonexistentTenant unless `create`."""
    name = tenant_name(request)
    no = await tenant_no(broker(request).database, name, create=create)
    if no is None:
        raise NonexistentTenant(f"NGSILD-Tenant: there is no tenant {shown(name)}")
    return no


def tenant_name(request: Request) -> str:
    given = _said(request, "ngsild-tenant") or _said(request, "fiware-service")
    if len(given) > 1:
        raise BadRequestData(f"NGSILD-Tenant: a request has one tenant, not {', '.join(map(shown, sorted(given)))}")
    name = next(iter(given), "")
    if name and not is_tenant(name):
        raise BadRequestData(f"NGSILD-Tenant: {shown(name)} is not {TENANT_RULE}")
    return name


def _said(request: Request, header: str) -> set[str]:
    return {value.strip() for value in request.headers.getlist(header)} - {""}


def is_tenant(name: str) -> bool:
    """Whether `name` may be a tenant's."""
    return _TENANT.fullmatch(name) is not None


def link_context(request: Request) -> str | None:
    """The @context URL of the Link header. Raises BadRequestData."""
    return links.read(request.headers.getlist("link"))


async def query_context(request: Request) -> Context:
    return await broker(request).contexts.load(link_context(request), tenant_name(request))


async def body(request: Request, *, array: bool = False) -> Any:
    """The JSON of the body; empty only when it is an `array`. Raises 413, 415 (Content-Encoding), InvalidRequest,
    BadRequestData."""
    settings = broker(request).settings
    encoding = request.headers.get("content-encoding", "").strip().lower()
    content = bodies.parse(await bodies.read(request.stream(), encoding, settings.max_body), settings.max_depth)
    if content == {} or (content == [] and not array):
        raise InvalidRequest("the body is empty JSON")
    return content


def is_ld(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == LD


async def body_context(request: Request, content: Any, resolve: Resolve = aliases.resolve) -> Context:
    """The @context of one JSON object: from Link for json, from the body for ld+json (6.3.5).

    Members of `content` that the @context names otherwise get the standard's names: `resolve` knows where in it they
    are. Raises BadRequestData, LdContextNotAvailable.
    """
    context = await _body_context(request, content)
    resolve(content, context)
    return context


async def _body_context(request: Request, content: Any) -> Context:
    contexts = broker(request).contexts
    inside = isinstance(content, dict) and "@context" in content
    if not is_ld(request):
        if inside:
            raise BadRequestData("@context: a body of application/json must not hold one; use a Link header or ld+json")
        return await contexts.load(link_context(request), tenant_name(request))
    if link_context(request) is not None:
        raise BadRequestData("Link: a body of application/ld+json brings its own @context")
    if not inside:
        raise BadRequestData("@context: a body of application/ld+json must hold one")
    return await contexts.load(content["@context"], tenant_name(request))


def accepts(request: Request) -> str:
    """The media type of the answer: the best that the operation offers and the Accept header takes."""
    media: str = request.scope["media"]
    return media


class Hosting(Response):
    """An answer whose Link names a compound @context: the door hosts `context` before it lets the answer out."""

    context: Context
    tenant: str


def answer(request: Request, content: Any, context: Context, headers: dict[str, str] | None = None) -> Response:
    """`content` (an object or a list of them; bytes are JSON already) as json with a Link, or with @context inside
    (6.3.6).

    As geo+json, `content` is one Feature or FeatureCollection, which has its @context once.
    """
    headers = dict(headers or {})
    media = accepts(request)
    texts = [item if isinstance(item, bytes) else orjson.dumps(item) for item in _items(content)]
    linked = media == JSON or (media == GEO and _prefers_json(request))
    if not linked:
        source = orjson.dumps({"@context": served(context)})
        texts = [source if text == b"{}" else source[:-1] + b"," + text[1:] for text in texts]
    body = b"[" + b",".join(texts) + b"]" if isinstance(content, list) else texts[0]
    if linked:
        return _linked(request, body, context, headers, media)
    return Response(body, 200, headers, media_type=media)


def _items(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def _linked(request: Request, body: bytes, context: Context, headers: dict[str, str], media: str) -> Response:
    tenant = tenant_name(request)
    url = broker(request).contexts.url_of(context, tenant, base_url(request))
    headers["Link"] = ", ".join(filter(None, [links.written(url), headers.get("Link")]))
    if not is_compound(context):
        return Response(body, 200, headers, media_type=media)
    hosting = Hosting(body, 200, headers, media_type=media)
    hosting.context, hosting.tenant = context, tenant
    return hosting


def plain(request: Request, content: Any) -> Response:
    """`content` that no @context belongs to, such as a @context itself."""
    return Response(orjson.dumps(content), 200, media_type=accepts(request))


def base_url(request: Request) -> str:
    """The broker's URL as this client knows it."""
    host = request.headers.get("host", "")
    return f"{request.scope['scheme']}://{host}" if host else ""


def _prefers_json(request: Request) -> bool:
    return re.search(r'\b(?i:body)\s*=\s*"?json\b', request.headers.get("prefer", "")) is not None


def done(request: Request, status: int = 204, content: Any = None, headers: dict[str, str] | None = None) -> Response:
    """The answer of a write."""
    if content is None:
        return Response(None, status, headers)
    return Response(orjson.dumps(content), status, headers, media_type=JSON)


def location(entity_id: str) -> dict[str, str]:
    return {"Location": f"/ngsi-ld/v1/entities/{quote(entity_id, safe=':')}"}
