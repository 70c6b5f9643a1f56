"""Posts entities to the broker until it has committed them."""

import asyncio
import logging
import math
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import orjson

from adapters.backoff import delays
from models import zulu

log = logging.getLogger(__name__)

UPSERT = "/ngsi-ld/v1/entityOperations/upsert?options=update,keepNewest"
CONTEXT = "/contexts/kanazawa.jsonld"
PAGE = 1000  # ids asked for at once
# The broker has read the request and will refuse it again; every other failure may pass.
FINAL = frozenset([400, 413, 422])
RETRY = 5.0  # seconds between two attempts at most: a broker that returns is not to wait for us


class BrokerAway(Exception):
    """The broker has taken nothing for longer than we may wait."""


class Rejected(NamedTuple):
    """One entity the broker refused, and its reason."""

    entity: Mapping[str, Any]
    reason: str


class Sink:
    """The broker's batch upsert, seen from a source: nothing posted is ever lost.

    Connection errors, 5xx and whatever an operator can repair (401, 404 for a tenant not yet made, 429) are retried
    without end, which holds the source back. A request the broker finally refuses is halved until the guilty entity
    stands alone.
    """

    def __init__(self, client: httpx.AsyncClient, broker_url: str) -> None:
        self._client = client
        self._root = broker_url.rstrip("/")
        self._url = self._root + UPSERT
        link = f'<{broker_url.rstrip("/")}{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"'
        self._headers = {"Content-Type": "application/json", "Link": f'{link}; type="application/ld+json"'}

    async def post(
        self, entities: Sequence[Mapping[str, Any]], tenant: str = "", patience: float = math.inf
    ) -> list[Rejected]:
        """Returns when the broker has committed all but the entities returned.

        Raises BrokerAway when it has taken nothing for `patience` seconds.
        """
        if not entities:
            return []
        headers = self._headers | ({"NGSILD-Tenant": tenant} if tenant else {})
        body = orjson.dumps(entities)
        response = await persistently(lambda: self._client.post(self._url, content=body, headers=headers), patience)
        if response.status_code == 207:
            return _rejected(entities, response)
        if response.is_success:
            return []
        if len(entities) == 1:
            return [Rejected(entities[0], problem_of(response))]
        middle = len(entities) // 2
        return [
            *await self.post(entities[:middle], tenant, patience),
            *await self.post(entities[middle:], tenant, patience),
        ]

    async def ids(self, entity_type: str, prefix: str, tenant: str, patience: float) -> list[str]:
        """The ids of this type that begin with `prefix`. Raises BrokerAway."""
        headers = self._headers | ({"NGSILD-Tenant": tenant} if tenant else {})
        found: list[str] = []
        while True:
            asked: dict[str, str | int] = {"type": entity_type, "idPattern": f"^{re.escape(prefix)}"}
            asked |= {"pick": "id", "limit": PAGE, "offset": len(found)}
            page = await self._page(asked, headers, patience)
            found += page
            if len(page) < PAGE:
                return found

    async def delete(self, ids: Sequence[str], tenant: str, patience: float) -> None:
        """Deletes entities; one that is gone already is no fault. Raises BrokerAway."""
        headers = self._headers | ({"NGSILD-Tenant": tenant} if tenant else {})
        url = f"{self._root}/ngsi-ld/v1/entityOperations/delete"
        for start in range(0, len(ids), PAGE):
            body = orjson.dumps(list(ids[start : start + PAGE]))
            await persistently(lambda body=body: self._client.post(url, content=body, headers=headers), patience)  # type: ignore[misc]

    async def _page(self, asked: Mapping[str, str | int], headers: Mapping[str, str], patience: float) -> list[str]:
        url = f"{self._root}/ngsi-ld/v1/entities"
        response = await persistently(lambda: self._client.get(url, params=asked, headers=headers), patience)
        return [each["id"] for each in orjson.loads(response.content)] if response.is_success else []

    async def history(
        self, entity_id: str, attributes: Iterable[str], since: datetime, until: datetime, tenant: str, patience: float
    ) -> Mapping[str, Any]:
        """The temporal evolution of these attributes; nothing of an entity that is not there. Raises BrokerAway."""
        headers = self._headers | ({"NGSILD-Tenant": tenant} if tenant else {})
        url = f"{self._root}/ngsi-ld/v1/temporal/entities/{quote(entity_id, safe='')}"
        asked = {"attrs": ",".join(attributes), "timerel": "between", "timeAt": zulu(since), "endTimeAt": zulu(until)}
        response = await persistently(
            lambda: self._client.get(url, params=asked, headers=headers), patience, FINAL | {404}
        )
        if response.status_code == 206 and until - since > timedelta(minutes=1):
            middle = since + (until - since) / 2
            first = await self.history(entity_id, attributes, since, middle, tenant, patience)
            second = await self.history(entity_id, attributes, middle, until, tenant, patience)
            return {name: [*_list(first.get(name)), *_list(second.get(name))] for name in {*first, *second}}
        told: Mapping[str, Any] = orjson.loads(response.content) if response.is_success else {}
        return told


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


async def persistently(
    send: Callable[[], Awaitable[httpx.Response]], patience: float = math.inf, final: Set[int] = FINAL
) -> httpx.Response:
    """Sends until the answer is success or final. Raises BrokerAway after `patience` seconds without either."""
    begun = time.monotonic()
    for delay in delays(longest=RETRY):
        try:
            response = await send()
            if response.is_success or response.status_code in final:
                return response
            trouble = f"{response.request.url.path} answers {problem_of(response)}"
        except httpx.TransportError as error:
            trouble = f"{type(error).__name__}: {error}"
        if time.monotonic() - begun + delay > patience:
            raise BrokerAway(trouble)
        log.warning("broker: %s; trying again in %.1f s", trouble, delay)
        await asyncio.sleep(delay)
    raise AssertionError("delays never end")


def _rejected(entities: Sequence[Mapping[str, Any]], response: httpx.Response) -> list[Rejected]:
    """The entities an error names, and those the answer does not confirm: silence is no commit."""
    answer = orjson.loads(response.content)
    confirmed = set(answer.get("success", []))
    reasons: dict[str, list[str]] = defaultdict(list)
    for error in answer.get("errors", []):
        reasons[error.get("entityId", "")].append(_problem(error.get("error", {})))
    return [
        Rejected(each, "; ".join(reasons.get(each["id"], ["207 without a word about this entity"])))
        for each in entities
        if each["id"] in reasons or each["id"] not in confirmed
    ]


def problem_of(response: httpx.Response) -> str:
    try:
        return f"{response.status_code} {_problem(orjson.loads(response.content))}"
    except orjson.JSONDecodeError:
        return f"{response.status_code} {response.text[:200]}"


def _problem(problem: Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    return " ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
