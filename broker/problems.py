"""Every error answered in one place: ProblemDetails (RFC 7807; GS CIM 009, 5.5.2, 6.3.2, 6.3.3)."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ngsi.errors import (
    BadRequestData,
    InternalError,
    NgsiLdError,
    NonexistentTenant,
    ResourceNotFound,
    ServiceUnavailable,
    TooComplexQuery,
)

_log = logging.getLogger("broker")
_AWAY = (ConnectionError, OSError, TimeoutError)
_WITHOUT_BODY = (411, 415)


class NotAcceptable(HTTPException):
    """406, with the media types that are available (6.3.4)."""

    def __init__(self, available: tuple[str, ...]) -> None:
        super().__init__(406, f"available media types: {', '.join(available)}")
        self.available = available


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": title, "detail": detail, "status": status, **more}
    return Response(orjson.dumps(body), status, media_type="application/json")


async def answer(request: Request, error: Exception) -> Response:
    """The answer that tells `error`."""
    if isinstance(error, NgsiLdError):
        return await on_ngsi_error(request, error)
    if isinstance(error, HTTPException):
        return await on_http_error(request, error)
    return await on_any_error(request, error)


async def on_ngsi_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, NgsiLdError)
    return Response(orjson.dumps(error.problem()), error.status, media_type="application/json")


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in _WITHOUT_BODY:
        return Response(None, error.status_code, error.headers)
    if error.status_code == 404:
        return await on_ngsi_error(request, ResourceNotFound("there is nothing under this path"))
    more = {"available": list(error.available)} if isinstance(error, NotAcceptable) else {}
    told = problem(error.status_code, HTTPStatus(error.status_code).phrase, error.detail, **more)
    told.headers.update(error.headers or {})
    return told


async def on_any_error(request: Request, error: Exception) -> Response:
    """What nobody foresaw: logged with its trace, told without it."""
    name = type(error).__module__ + "." + type(error).__name__
    if name.endswith("QueryCanceledError"):
        return await on_ngsi_error(request, TooComplexQuery("the query took longer than BROKER_STATEMENT_TIMEOUT"))
    if name.endswith("ForeignKeyViolationError"):  # nothing else refers to what can go meanwhile
        return await on_ngsi_error(request, NonexistentTenant("NGSILD-Tenant: the tenant was deleted meanwhile"))
    if name.endswith("ProgramLimitExceededError"):
        return await on_ngsi_error(request, BadRequestData("a name in the request is longer than an index holds"))
    if isinstance(error, RecursionError):
        return await on_ngsi_error(request, BadRequestData("the request is nested too deeply"))
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
    Exception: on_any_error,
}
