"""/admin/quarantine (ours): messages set aside by the adapters."""

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.store import quarantine
from ngsi import times
from ngsi.errors import BadRequestData, ResourceNotFound


async def add(request: Request) -> Response:
    """Set a message aside: {source, reason, raw (base64), metadata}; 201 {id}."""
    content = await http.body(request)
    if not isinstance(content, dict):
        raise BadRequestData("the body is not an object")
    for name in ("source", "reason", "raw"):
        if not isinstance(content.get(name), str):
            raise BadRequestData(f"{name}: a string is needed")
    metadata = content.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRequestData("metadata: an object is needed")
    try:
        raw = base64.b64decode(content["raw"], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestData("raw: not base64") from None
    tenant = await http.tenant(request, create=True)
    database = http.broker(request).database
    no = await quarantine.add(database, tenant, content["source"], content["reason"], raw, metadata)
    return http.done(request, 201, {"id": no})


async def listed(request: Request) -> Response:
    """Messages set aside, oldest first, without their bytes."""
    given = http.parameters(request, frozenset({"source", "limit", "offset"}))
    limit, offset = http.whole(given, "limit", 20, 1, 1000), http.whole(given, "offset", 0, 0, 999_999_999)
    tenant = await http.tenant(request)
    rows = await quarantine.listed(http.broker(request).database, tenant, given.get("source"), limit, offset)
    return http.done(request, 200, [_shown(row) for row in rows])


async def one(request: Request) -> Response:
    """One message set aside, with its bytes (base64)."""
    tenant = await http.tenant(request)
    row = await quarantine.one(http.broker(request).database, tenant, request.path_params["no"])
    if row is None:
        raise ResourceNotFound(f"there is no message {request.path_params['no']} in quarantine")
    return http.done(request, 200, _shown(row))


async def replayed(request: Request) -> Response:
    """Note that a message was replayed after a fix."""
    tenant = await http.tenant(request)
    if not await quarantine.mark_replayed(http.broker(request).database, tenant, request.path_params["no"]):
        raise ResourceNotFound(f"there is no message {request.path_params['no']} in quarantine")
    return http.done(request)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    body = {key: row[key] for key in ("id", "source", "reason", "metadata", "size")}
    body["receivedAt"] = times.text(row["received_at"])
    body |= {"times": row["times"], "lastReceivedAt": times.text(row["last_at"])}
    if row["replayed_at"] is not None:
        body["replayedAt"] = times.text(row["replayed_at"])
    if "raw" in row:
        body["raw"] = base64.b64encode(row["raw"]).decode()
    return body
