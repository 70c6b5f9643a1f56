"""/admin/policies (ours): how long readings and roll-ups of the entities of a type are kept, per tenant."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.api import http
from broker.store import policies
from broker.store.policies import Policy
from broker.store.rollups import LEVELS
from ngsi import names
from ngsi.errors import BadRequestData, ResourceNotFound, shown
from ngsi.jsonld import Context

_SECONDS = {name: seconds for seconds, name in LEVELS.items()}
_MOST_DAYS = 100_000


async def listed(request: Request) -> Response:
    """The policies of the tenant."""
    context = await http.query_context(request)
    found = await policies.listed(http.broker(request).database, await http.tenant(request))
    return http.done(request, 200, [_shown(policy, context) for policy in found])


async def one(request: Request) -> Response:
    """The policy of one entity type."""
    context = await http.query_context(request)
    kind = _type(request, context)
    found = await policies.one(http.broker(request).database, await http.tenant(request), kind)
    if found is None:
        raise ResourceNotFound(f"there is no policy for type {kind}")
    return http.done(request, 200, _shown(found, context))


async def put(request: Request) -> Response:
    """Set the policy of one entity type: {"raw": days, "rollups": {"PT10M": days, "PT1H": null, "P1D": null}}."""
    content = await http.body(request)
    context = await http.body_context(request, content)
    policy = _policy(_type(request, context), content)
    tenant = await http.tenant(request, create=True)
    fresh = await policies.put(http.broker(request).database, tenant, policy)
    return http.done(request, 201 if fresh else 204)


async def delete(request: Request) -> Response:
    """Forget the policy of one entity type, and its roll-ups; readings stay."""
    kind = _type(request, await http.query_context(request))
    if not await policies.remove(http.broker(request).database, await http.tenant(request), kind):
        raise ResourceNotFound(f"there is no policy for type {kind}")
    return http.done(request)


def _type(request: Request, context: Context) -> str:
    return context.expand(names.type_name(request.path_params["type"]))


def _policy(kind: str, content: Any) -> Policy:
    if not isinstance(content, dict):
        raise BadRequestData("the body is not an object with raw and rollups")
    strange = content.keys() - {"raw", "rollups", "type", "@context"}
    if strange:
        raise BadRequestData(f"{min(strange)}: a policy has raw and rollups")
    rollups = content.get("rollups", {})
    if not isinstance(rollups, dict) or rollups.keys() - _SECONDS.keys():
        raise BadRequestData(f"rollups: {shown(rollups)} is not an object with some of {', '.join(_SECONDS)}")
    levels = {_SECONDS[name]: _days(days, f"rollups.{name}") for name, days in rollups.items()}
    return Policy(kind, _days(content.get("raw"), "raw"), levels)


def _days(value: Any, field: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_DAYS:
        raise BadRequestData(f"{field}: {shown(value)} is neither a number of days from 1 to {_MOST_DAYS} nor null")
    return value


def _shown(policy: Policy, context: Context) -> dict[str, Any]:
    rollups = {LEVELS[level]: days for level, days in sorted(policy.levels.items())}
    return {"type": context.compact(policy.type), "raw": policy.raw_days, "rollups": rollups}
