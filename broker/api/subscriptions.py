"""/subscriptions (GS CIM 009, 5.8, 6.10, 6.11)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.api.paging import page_links
from broker.store import subscriptions as store
from ngsi import names, subscription_answer, subscription_document, times
from ngsi.errors import AlreadyExists, BadRequestData, ResourceNotFound
from ngsi.jsonld import Context
from ngsi.query.entities import Page
from ngsi.subscription import Document

_SHOWN: Final = frozenset({"local", "options", "sysAttrs"})
_PATH: Final = "/ngsi-ld/v1/subscriptions/"


async def create(request: Request) -> Response:
    """createSubscription (5.8.1)."""
    http.parameters(request, frozenset({"local"}))
    content = await http.body(request)
    context = await http.body_context(request, content)
    now = datetime.now(UTC)
    if isinstance(content, dict):
        content = {"id": f"urn:ngsi-ld:Subscription:{uuid4()}", **content}
    document = subscription_document.parse(content, context, now)
    await _check_context(request, document)
    tenant = await http.tenant(request, create=True)
    if not await store.create(_database(request), tenant, document["id"], document, context.source, now):
        raise AlreadyExists(f"id: subscription {document['id']} exists already (5.8.1)")
    return http.done(request, 201, headers={"Location": _PATH + quote(document["id"], safe=":")})


async def retrieve(request: Request) -> Response:
    """retrieveSubscription (5.8.3)."""
    given = http.parameters(request, _SHOWN)
    http.accepts(request)
    found = await stored(request)
    context = await http.query_context(request)
    return http.answer(request, _shown(found, context, _sys_attrs(given)), context)


async def query(request: Request) -> Response:
    """querySubscription (5.8.4)."""
    given = http.parameters(request, _SHOWN | {"limit", "offset", "count"})
    http.accepts(request)
    settings = http.broker(request).settings
    counted, sys_attrs = http.flag(given, "count"), _sys_attrs(given)
    default = min(settings.default_limit, settings.max_limit)
    limit = http.whole(given, "limit", default, 0 if counted else 1, settings.max_limit)
    page = Page(limit, http.whole(given, "offset", 0, 0, 999_999_999), counted)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    found = await store.listed(_database(request), tenant, page.limit + 1, page.offset)
    headers: dict[str, str] = {}
    if counted:
        headers["NGSILD-Results-Count"] = str(await store.count(_database(request), tenant))
    links = page_links(request, given, page, more=len(found) > page.limit)
    if links:
        headers["Link"] = links
    content = [_shown(item, context, sys_attrs) for item in found[: page.limit]]
    return http.answer(request, content, context, headers)


async def update(request: Request) -> Response:
    """updateSubscription (5.8.2)."""
    http.parameters(request, frozenset({"local"}))
    wanted = subscription_id(request)
    content = await http.body(request)
    context = await http.body_context(request, content)
    tenant = await http.tenant(request)
    now = datetime.now(UTC)
    if isinstance(content, dict) and "jsonldContext" in content:
        await _check_context(request, content)

    def rule(before: Document) -> tuple[Document, Any, bool]:
        after = subscription_document.patch(before, content, context, now)
        return after, None, _status(before, now) != "active" and _status(after, now) == "active"

    if not await store.update(_database(request), tenant, wanted, rule, now):
        raise _unknown(wanted)
    return http.done(request)


async def delete(request: Request) -> Response:
    """deleteSubscription (5.8.5)."""
    http.parameters(request, frozenset({"local"}))
    wanted = subscription_id(request)
    tenant = await http.tenant(request)
    if not await store.delete(_database(request), tenant, wanted):
        raise _unknown(wanted)
    return http.done(request)


def subscription_id(request: Request) -> str:
    return names.entity_id(request.path_params["id"])


async def stored(request: Request) -> store.Stored:
    """The subscription of the path; raises ResourceNotFound."""
    wanted = subscription_id(request)
    found = await store.one(_database(request), await http.tenant(request), wanted)
    if found is None:
        raise _unknown(wanted)
    return found


def _unknown(wanted: str) -> ResourceNotFound:
    return ResourceNotFound(f"subscription {wanted} does not exist")


def _database(request: Request) -> Any:
    return http.broker(request).database


async def _check_context(request: Request, document: Mapping[str, Any]) -> None:
    """Raises LdContextNotAvailable or BadRequestData for a jsonldContext that is of no use."""
    source = document.get("jsonldContext")
    if source is not None:
        if not isinstance(source, str):
            raise BadRequestData("jsonldContext: a URI is needed")
        await http.broker(request).contexts.load(source, http.tenant_name(request))


def _sys_attrs(given: Mapping[str, str]) -> bool:
    return "sysAttrs" in http.options(given, frozenset({"sysAttrs"})) or http.flag(given, "sysAttrs")


def _shown(found: store.Stored, context: Context, sys_attrs: bool) -> Document:
    body = subscription_answer.show(found.document, context)
    body["status"] = status(found.document)
    body["notification"] = {**body["notification"], **_told(found.told)}
    if sys_attrs:
        body["createdAt"] = times.text(found.created_at)
        body["modifiedAt"] = times.text(found.modified_at)
    return body


def status(document: Document) -> str:
    """active, paused or expired, as of now (5.2.12)."""
    return _status(document, datetime.now(UTC))


def _status(document: Document, now: datetime) -> str:
    if "expiresAt" in document and times.parse(document["expiresAt"]) <= now:
        return "expired"
    return "active" if document.get("isActive", True) else "paused"


def _told(told: Mapping[str, Any]) -> Document:
    """The members of 5.2.14.2; none before the first notification."""
    if not told["times_sent"]:
        return {}
    body: Document = {"timesSent": told["times_sent"], "timesFailed": told["times_failed"]}
    for member, column in _INSTANTS:
        if told[column] is not None:
            body[member] = times.text(told[column])
    if told["status"]:
        body["status"] = told["status"]
    return body


_INSTANTS: Final = (
    ("lastNotification", "last_notification"),
    ("lastSuccess", "last_success"),
    ("lastFailure", "last_failure"),
)
