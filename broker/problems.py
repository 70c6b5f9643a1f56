"""Every error answered in one place: ProblemDetails (RFC 7807; GS CIM 009, 5.5.2, 6.3.2)."""

import logging
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ngsi.errors import InternalError, NgsiLdError, ServiceUnavailable, TooComplexQuery

_log = logging.getLogger("broker")
_AWAY = (ConnectionError, OSError, TimeoutError)


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": title, "detail": detail, "status": status, **more}
    return Response(orjson.dumps(body), status, media_type="application/json")


async def on_ngsi_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, NgsiLdError)
    return Response(orjson.dumps(error.problem()), error.status, media_type="application/json")


async def on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (411, 415):
        return Response(status_code=error.status_code)
    answer = problem(error.status_code, error.detail, error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def on_gone(_: Request, error: Exception) -> Response:
    """The client hung up while it was sending: nobody reads this answer."""
    return Response(status_code=400)


async def on_any_error(request: Request, error: Exception) -> Response:
    """What nobody foresaw: logged with its trace, told without it."""
    name = type(error).__module__ + "." + type(error).__name__
    if name.endswith("QueryCanceledError"):
        return await on_ngsi_error(request, TooComplexQuery("the query took longer than BROKER_STATEMENT_TIMEOUT"))
    if isinstance(error, _AWAY) or (name.startswith("asyncpg.exceptions.") and _means_away(error)):
        return await on_ngsi_error(request, ServiceUnavailable("the database is not reachable; try again"))
    _log.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    return await on_ngsi_error(request, InternalError("an unexpected error; the log of the broker has it"))


def _means_away(error: Exception) -> bool:
    return (
        str(getattr(error, "sqlstate", "08") or "08")[:2] in ("08", "57", "53") or "Interface" in type(error).__name__
    )


HANDLERS: dict[Any, Any] = {
    NgsiLdError: on_ngsi_error,
    HTTPException: on_http_error,
    ClientDisconnect: on_gone,
    Exception: on_any_error,
}
