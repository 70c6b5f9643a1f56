"""/jsonldContexts and /jsonldContexts/{id} (GS CIM 009, 5.13, 6.29, 6.30)."""

import re
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.store.contexts import Stored
from broker.store.signals import tell
from broker.store.tenants import tenant_no
from ngsi import times
from ngsi.errors import BadRequestData, NonexistentTenant, OperationNotSupported, ResourceNotFound, shown
from ngsi.jsonld import check_context

_PATH: Final = "/ngsi-ld/v1/jsonldContexts/"
_CORE: Final = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(?:-v1\.\d)?\.jsonld")
_OWN: Final = re.compile(rf"https?://[^/]+{_PATH}([^?]+)(?:\?.*)?")
_VERSION: Final = re.compile(r"1\.[3-9]")


async def add(request: Request) -> Response:
    """addContext (5.13.2)."""
    content = await http.body(request)
    if not isinstance(content, dict) or "@context" not in content:
        raise BadRequestData("@context: the body is an object that holds it (5.13.2)")
    value = content["@context"]
    check_context(value)
    contexts = http.broker(request).contexts
    name = http.tenant_name(request)
    await contexts.load(value, name)  # what it refers to is there, and is a context
    await http.tenant(request, create=True)
    stored = await contexts.documents.add(value, name)
    return http.done(request, 201, headers={"Location": _PATH + quote(stored.id, safe=":")})


async def query(request: Request) -> Response:
    """listContexts (5.13.3)."""
    given = http.parameters(request)
    await http.tenant(request)
    contexts, name = http.broker(request).contexts, http.tenant_name(request)
    found = await contexts.documents.listed(name, given.get("kind"))
    if given.get("details") == "true":
        return http.plain(request, [_metadata(request, stored) for stored in found])
    return http.plain(request, [_url(request, stored) for stored in found])


async def serve(request: Request) -> Response:
    """serveContext (5.13.4)."""
    given = http.parameters(request)
    stored = await _found(request)
    if given.get("details") == "true":
        return http.plain(request, _metadata(request, stored))
    if stored.kind == "Cached":
        raise OperationNotSupported(
            f"{stored.id}: a Cached @context is not served; {stored.url} is its source (5.13.4)"
        )
    value = stored.body
    if "core" in given:
        value = [*(value if isinstance(value, list) else [value]), _core_url(given["core"])]
    return http.plain(request, {"@context": value})


async def delete(request: Request) -> Response:
    """deleteAndReloadContext (5.13.5)."""
    reload = http.flag(http.parameters(request), "reload")
    stored = await _found(request)
    contexts, name = http.broker(request).contexts, _tenant(request)
    if not reload:
        await contexts.documents.remove(stored, name)
    elif stored.kind == "Cached":
        await contexts.documents.reload(stored, name)
    else:
        raise BadRequestData(f"reload: {stored.id} is {stored.kind}; only a Cached @context has a source (5.13.5)")
    contexts.forget(name)
    await tell(http.broker(request).database, name)
    return http.done(request)


def _core_url(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise BadRequestData(f"core: {shown(version)} is not a version of the core @context, 1.3 to 1.9")
    return f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v{version}.jsonld"


async def _found(request: Request) -> Stored:
    name = request.path_params["id"]
    if _CORE.fullmatch(name):
        raise BadRequestData(f"{name}: the core @context is built in, not stored")
    tenant = _tenant(request)
    if await tenant_no(http.broker(request).database, tenant) is None:
        raise NonexistentTenant(f"NGSILD-Tenant: there is no tenant {shown(tenant)}")
    own = _OWN.fullmatch(name)  # the URL that the list gives
    stored = await http.broker(request).contexts.documents.stored(own[1] if own else name, tenant)
    if stored is None:
        raise ResourceNotFound(f"there is no @context {shown(name)}")
    return stored


def _tenant(request: Request) -> str:
    """The tenant: from the header, or from the links that the broker makes itself, which whoever follows them reads
    without one."""
    named = http.tenant_name(request)
    linked = http.parameters(request).get("tenant", named)
    if named and linked != named:
        raise BadRequestData("tenant: the header NGSILD-Tenant names another one")
    return linked


def _url(request: Request, stored: Stored) -> str:
    if stored.url is not None:
        return stored.url
    contexts = http.broker(request).contexts
    return contexts.hosted_url(stored.id, http.tenant_name(request), http.base_url(request))


def _metadata(request: Request, stored: Stored) -> dict[str, Any]:
    created = times.text(stored.created_at)
    told: dict[str, Any] = {
        "URL": _url(request, stored),
        "localId": stored.id,
        "kind": stored.kind,
        "createdAt": created,
        "timestamp": created,  # what createdAt was called before 1.9
        "numberOfHits": stored.hits,
    }
    for member, instant in (("expiresAt", stored.expires_at), ("lastUsage", stored.last_usage)):
        if instant is not None:
            told[member] = times.text(instant)
    return told
