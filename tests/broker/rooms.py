"""The room that tests of provision change."""

from typing import Any

import httpx

ID = "urn:ngsi-ld:Room:1"
OTHER = "urn:ngsi-ld:Room:2"
NULL = "urn:ngsi-ld:null"


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def room(entity_id: str = ID, **more: Any) -> dict[str, Any]:
    return {"id": entity_id, "type": "Room", **more}


async def shown(client: httpx.AsyncClient, entity_id: str = ID, **parameters: str) -> dict[str, Any]:
    answer = await client.get(f"/entities/{entity_id}", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


LIST = {"type": "ListProperty", "valueList": [1, 2]}
WAY = {"type": "ListRelationship", "objectList": [{"object": OTHER}]}
STORED = room(
    a=prop(1, unitCode="CEL"),
    scope=["/A", "/B"],
    list=LIST,
    way=WAY,
    d=[prop(1), prop(2, datasetId="urn:d:1")],
    only=prop(3, datasetId="urn:d:1"),
    sub=prop(1, q=prop(2)),
    subs=prop(1, q=[prop(5), prop(6, datasetId="urn:d:1")]),
    rel={"type": "Relationship", "object": OTHER, "objectType": "Room"},
)
