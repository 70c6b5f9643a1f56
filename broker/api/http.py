"""What every operation needs of a request and a response: parameters, body, @context, tenant, headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker.contexts import Contexts, served
from broker.provision import Provision
from broker.settings import Settings
from broker.store.db import Database
from broker.store.tenants import tenant_no
from ngsi.errors import BadRequestData, InvalidRequest, NonexistentTenant, shown
from ngsi.jsonld import Context
from ngsi.terms import CORE_CONTEXT

_LINK: Final = re.compile(r"<([^>]*)>?\s*;[^,]*rel=\"?http://www\.w3\.org/ns/json-ld#context\"?")
_TENANT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTEXT_REL: Final = '; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
LD: Final = "application/ld+json"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Broker:
    """The parts that operations use; one for the process."""

    settings: Settings
    database: Database
    contexts: Contexts
    provision: Provision


def broker(request: Request) -> Broker:
    found: Broker = request.app.state.broker
    return found


def parameters(request: Request, allowed: frozenset[str]) -> Mapping[str, str]:
    """The query parameters; raises InvalidRequest for an unknown one (6.3.20), BadRequestData for an empty one."""
    given = request.query_params
    for name in given:
        if name not in allowed:
            raise InvalidRequest(f"{name}: unknown query parameter; this operation takes {', '.join(sorted(allowed))}")
        if not given[name]:
            raise BadRequestData(f"{name}: the parameter is empty")
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
    name = request.headers.get("ngsild-tenant") or request.headers.get("fiware-service") or ""
    if name and not _TENANT.fullmatch(name):
        raise BadRequestData(f"NGSILD-Tenant: {shown(name)} is not a name of letters, digits, '_', '-' and '.'")
    return name


def link_context(request: Request) -> str | None:
    """The @context URL of the Link header; a missing closing quote or bracket is forgiven."""
    match = _LINK.search(request.headers.get("link", ""))
    return match.group(1).strip() if match else None


async def query_context(request: Request) -> Context:
    return await broker(request).contexts.load(link_context(request))


async def body(request: Request) -> Any:
    """The JSON of the body; raises 415, 413 or InvalidRequest."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    allowed = (JSON, LD, "application/merge-patch+json") if request.method == "PATCH" else (JSON, LD)
    if media not in allowed:
        raise HTTPException(415)
    limit = broker(request).settings.max_body
    if int(request.headers.get("content-length") or 0) > limit:
        raise HTTPException(413, f"the body is larger than {limit} bytes")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise HTTPException(413, f"the body is larger than {limit} bytes")
    try:
        content = orjson.loads(bytes(data))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if content in ({}, []):
        raise InvalidRequest("the body is empty JSON")
    if rb"\u0000" in data and _NUL.search(data):
        raise BadRequestData("the body holds the character U+0000, which cannot be stored")
    return content


def is_ld(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == LD


async def body_context(request: Request, content: Any) -> Context:
    """The @context of one JSON object: from Link for json, from the body for ld+json (6.3.5)."""
    contexts = broker(request).contexts
    inside = isinstance(content, dict) and "@context" in content
    if not is_ld(request):
        if inside:
            raise BadRequestData("@context: a body of application/json must not hold one; use a Link header or ld+json")
        return await contexts.load(link_context(request))
    if link_context(request) is not None:
        raise BadRequestData("Link: a body of application/ld+json brings its own @context")
    if not inside:
        raise BadRequestData("@context: a body of application/ld+json must hold one")
    return await contexts.load(content["@context"])


def accepts(request: Request) -> str:
    """json or ld+json, as the Accept header prefers; raises 406."""
    header = request.headers.get("accept", "").strip()
    if not header:
        return JSON
    weights: dict[str, float] = {}
    for part in header.split(","):
        media, *extras = [item.strip() for item in part.split(";")]
        weight = next((extra[2:] for extra in extras if extra.startswith("q=")), "1")
        weights[media.lower()] = float(weight) if re.fullmatch(r"[01](\.\d*)?", weight) else 0.0

    def weight_of(media: str) -> float:
        return weights.get(media, weights.get("application/*", weights.get("*/*", 0.0)))

    best = max((JSON, LD), key=weight_of)
    if weight_of(best) <= 0:
        raise HTTPException(406, f"available: {JSON}, {LD}")
    return best


def answer(request: Request, content: Any, context: Context, headers: dict[str, str] | None = None) -> Response:
    """`content` (an object or a list of them) as json with a Link, or as ld+json with @context inside."""
    headers = dict(headers or {})
    media = accepts(request)
    source = served(context)
    if media == LD:
        if isinstance(content, list):
            content = [{"@context": source, **item} for item in content]
        else:
            content = {"@context": source, **content}
    else:
        url = source if isinstance(source, str) else CORE_CONTEXT
        headers["Link"] = ", ".join(filter(None, [f"<{url}>{_CONTEXT_REL}", headers.get("Link")]))
    return Response(orjson.dumps(content), 200, with_tenant(request, headers), media_type=media)


def with_tenant(request: Request, headers: dict[str, str] | None = None) -> dict[str, str]:
    name = tenant_name(request)
    return {**(headers or {}), "NGSILD-Tenant": name} if name else dict(headers or {})


def done(request: Request, status: int = 204, content: Any = None, headers: dict[str, str] | None = None) -> Response:
    """The answer of a write."""
    all_headers = with_tenant(request, headers)
    if content is None:
        return Response(None, status, all_headers)
    return Response(orjson.dumps(content), status, all_headers, media_type=JSON)


def location(entity_id: str) -> dict[str, str]:
    return {"Location": f"/ngsi-ld/v1/entities/{quote(entity_id, safe=':')}"}
