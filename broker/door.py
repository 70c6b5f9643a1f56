"""The door: every request comes in here and every answer goes out (GS CIM 009, 6.3).

Plain ASGI before the frame: path, method, media types, length and parameters are settled from the table of operations,
then the operation is called, then its answer is dressed (tenant, CORS, gzip). What the table does not know, such as
/docs and /openapi.json, goes on to the frame.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from broker import problems
from broker.api import bodies, http, parameters
from broker.api.negotiation import negotiate, takes_gzip
from broker.api.operation import Operation
from broker.api.routes import Routes
from broker.cors import Cors
from broker.packing import packed
from broker.settings import Settings
from ngsi.errors import ResourceNotFound

_JSON: Final = frozenset({b"application/json", b"application/ld+json"})
_PATCH: Final = _JSON | {b"application/merge-patch+json"}
_ACCEPT_PATCH: Final = "application/json, application/ld+json, application/merge-patch+json"
_LONGEST_PATH: Final = 8192

Headers = Mapping[bytes, bytes]


class Frame(Protocol):
    """The application behind the door."""

    state: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class Door:
    """ASGI application: the operations of the table, and `app` for everything else."""

    def __init__(self, app: Frame, operations: Iterable[Operation], settings: Settings) -> None:
        self.app = app
        self.state = app.state
        self._settings = settings
        self._cors = Cors(settings.cors_origins)
        self._routes: Routes[_Resource] = Routes()
        resources: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            resources.setdefault(operation.path, {})[operation.method] = operation
        for path, by_method in resources.items():
            self._routes.add(path, _Resource(by_method))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope["headers"])
        scope["app"] = self.app
        request = Request(scope, receive, send)
        try:
            found = self._routes.find(_path(scope))
            if found is None:
                await self.app(scope, receive, send)
                return
            scope["path_params"] = found[1]
            answer = await self._answer(request, found[0], headers)
        except ClientDisconnect:
            return  # nobody is there to be told
        except Exception as error:
            answer = await problems.answer(request, error)
        await self._dress(answer, scope["method"], headers)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, resource: "_Resource", headers: Headers) -> Response:
        method = request.scope["method"]
        operation = resource.operations.get(method)
        if operation is None:
            if method == "OPTIONS":
                return resource.options()
            raise HTTPException(405, f"{method} is not one of {resource.allow}", {"Allow": resource.allow})
        if operation.body is not None:
            self._check_body(operation, headers)
        if b"ngsild-snapshot" in headers:  # what is meant for one must not touch what is live (5.5.15)
            raise ResourceNotFound("NGSILD-Snapshot: this broker keeps no snapshots, so there is none of this id")
        scope = request.scope
        scope["media"] = _media(operation, headers) if operation.asks else operation.offers[0]
        scope["given"] = parameters.parse(scope["query_string"], operation.query)
        answer = await operation.function(request)
        if isinstance(answer, http.Hosting):
            await http.broker(request).contexts.link_url(answer.context, answer.tenant)
        return answer

    def _check_body(self, operation: Operation, headers: Headers) -> None:
        """Raises 411, 415, 413 before anything else is looked at (6.3.4)."""
        length = headers.get(b"content-length")
        if length is None:
            raise HTTPException(411)
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media not in (_PATCH if operation.method == "PATCH" else _JSON):
            raise HTTPException(415)
        if not length.isdigit() or int(length) > self._settings.max_body:
            raise bodies.too_large(self._settings.max_body)

    async def _dress(self, answer: Response, method: str, headers: Headers) -> None:
        tenant = headers.get(b"ngsild-tenant") or headers.get(b"fiware-service")
        tenant = tenant.partition(b",")[0].strip() if tenant else None  # one that was said twice is joined
        if tenant and http.is_tenant(tenant.decode("latin-1")):
            answer.raw_headers.append((b"ngsild-tenant", tenant))
        if b"origin" in headers:
            self._cors.allow(answer, headers)
        body = getattr(answer, "body", b"")
        if len(body) > self._settings.gzip_size and takes_gzip(headers.get(b"accept-encoding", b"").decode("latin-1")):
            await packed(answer)
        if method == "HEAD" and body:
            answer.body = b""


class _Resource:
    """The operations on one path."""

    def __init__(self, operations: dict[str, Operation]) -> None:
        self.operations = dict(operations)
        if "GET" in operations:
            self.operations["HEAD"] = operations["GET"]
        told = {name for name, operation in self.operations.items() if not operation.hidden} | {"OPTIONS"}
        self.allow = ", ".join(sorted(told))

    def options(self) -> Response:
        """What may be done here (RFC 9110, 9.3.7; RFC 5789, 3.1)."""
        headers = {"Allow": self.allow}
        if "PATCH" in self.allow:
            headers["Accept-Patch"] = _ACCEPT_PATCH
        return Response(None, 204, headers)


def _path(scope: Any) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw) > _LONGEST_PATH:
        raise HTTPException(414, f"the path is longer than {_LONGEST_PATH} bytes")
    return raw.decode("utf-8", "replace")


def _headers(pairs: list[tuple[bytes, bytes]]) -> Headers:
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:  # RFC 9110, 5.3: lines of one name are one list
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def _media(operation: Operation, headers: Headers) -> str:
    media = negotiate(headers.get(b"accept", b"").decode("latin-1"), operation.offers)
    if media is None:
        raise problems.NotAcceptable(operation.offers)
    return media
