"""A station whose readings are rolled up, and what is asked of it."""

from datetime import UTC, datetime
from typing import Any

import httpx

from ngsi import times

ID = "urn:ngsi-ld:Station:1"
PATH = f"/temporal/entities/{ID}"
POLICIES = "http://127.0.0.1:1026/admin/policies"
START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 19, 3, tzinfo=UTC)
METHODS = ["totalCount", "sum", "avg", "min", "max", "stddev", "sumsq"]
EVERY_LEVEL = {"PT10M": None, "PT1H": None, "P1D": None}


def reading(value: Any, at: datetime) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": times.text(at)}


async def provide(client: httpx.AsyncClient, *readings: dict[str, Any], entity: str = ID) -> None:
    body = {"id": entity, "type": "Station", "t": list(readings)}
    assert (await client.post("/temporal/entities", json=body)).status_code in (201, 204)


async def aggregated(
    client: httpx.AsyncClient, duration: str, start: datetime, end: datetime | None, *, entity: str = ID, **more: str
) -> Any:
    params = {"options": "aggregatedValues", "aggrMethods": ",".join(METHODS), "aggrPeriodDuration": duration, **more}
    params |= {"timerel": "between" if end else "after", "timeAt": times.text(start)}
    path = f"/temporal/entities/{entity}"
    answer = await client.get(path, params=params | ({"endTimeAt": times.text(end)} if end else {}))
    assert answer.status_code == 200, answer.text
    return answer.json().get("t", {})
