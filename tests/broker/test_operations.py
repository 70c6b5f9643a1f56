"""Every operation of provision, discovery and stored @contexts: each status that it declares, seen over HTTP."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from broker.api.operations.admin import ABOUT_ROWS
from broker.api.operations.common import V1
from broker.api.operations.discovery import CONTEXTS_ROWS, DISCOVERY_ROWS
from broker.api.operations.entities import BATCHES_ROWS, ENTITIES_ROWS
from ngsi.terms import CORE_CONTEXT, DEFAULT_VOCAB

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
ID, OTHER, NEW = (f"urn:ngsi-ld:Room:{i}" for i in range(3))
LD = {"Content-Type": "application/ld+json"}
AWAY = {"Link": '<http://127.0.0.1:1/away>; rel="http://www.w3.org/ns/json-ld#context"'}
CORE = {"Link": f'<{CORE_CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"'}
NOBODY = {"NGSILD-Tenant": "nobody"}
TENANT = {"NGSILD-Tenant": "kanazawa"}
EARLIER = {"Prefer": "ngsi-ld=1.0"}
VERSION = {"If-Match": '"5f3a"'}
MAP = {"NGSILD-EntityMap": "urn:ngsi-ld:entitymap:1"}
BAD, INVALID, UNKNOWN, GONE = "BadRequestData", "InvalidRequest", "ResourceNotFound", "NonexistentTenant"
UNREACHABLE = "LdContextNotAvailable"
FULL = quote(f"{DEFAULT_VOCAB}a", safe="")


def room(entity_id: str = ID, **more: Any) -> dict[str, Any]:
    return {"id": entity_id, "type": "Room", "a": {"type": "Property", "value": 1}, **more}


STORED = room(d=[{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}], scope="/A")


@dataclass(frozen=True)
class Case:
    """One request and what comes of it: `error` is the last part of the error's type."""

    path: str
    status: int
    error: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def case(path: str, status: int, error: str = "", body: Any = None, **headers: str) -> Case:
    return Case(path, status, error, body, {name.replace("_", "-"): value for name, value in headers.items()})


def common(path: str, body: Any, *, unknown: bool = True) -> list[Case]:
    """What every write refuses: unknown parameters, bodies that are none, @contexts in the wrong place or away."""
    told = {**body, "@context": CORE_CONTEXT}
    return [
        case(f"{path}?nonsense=1", 400, INVALID, body),
        case(path, 400, INVALID, {}),
        case(path, 400, BAD, told),
        case(path, 400, BAD, body, **LD),
        case(path, 400, BAD, told, **LD, **CORE),
        case(path, 504, UNREACHABLE, body, **AWAY),
        *([case(path, 404, GONE, body, **NOBODY)] if unknown else []),
    ]


def of_entity(path: str, body: Any) -> list[Case]:
    """What every write to an entity refuses."""
    return [
        *common(path, body),
        case(path.replace(ID, "nonsense"), 400, BAD, body),
        case(path.replace(ID, NEW), 404, UNKNOWN, body),
        case(f"{path}?type=Hall", 404, UNKNOWN, body),
        case(f"{path}?type=(", 400, BAD, body),
    ]


def of_question(path: str, unknown: list[Case]) -> list[Case]:
    """What every question refuses."""
    return [
        case(f"{path}?nonsense=1", 400, INVALID),
        case(path, 404, GONE, **NOBODY),
        case(path, 504, UNREACHABLE, **AWAY),
        case(path, 406, Accept="text/html"),
        case(path, 406, Accept="application/geo+json"),
        case(path, 200, Accept="application/ld+json"),
        *unknown,
    ]


def of_batch(path: str, item: Any) -> list[Case]:
    """What every batch of entities refuses."""
    return [
        case(path, 400, BAD, []),
        case(path, 400, BAD, [None]),
        case(path, 400, BAD, item),
        case(f"{path}?nonsense=1", 400, INVALID, [item]),
        case(path, 400, BAD, [{**item, "@context": CORE_CONTEXT}], **LD, **CORE),
        case(path, 504, UNREACHABLE, [item], **AWAY),
        case(path, 207, "", [{"a": 1}]),
        case(path, 207, "", [item], **LD),
        case(path, 207, "", [{**item, "@context": CORE_CONTEXT}]),
        case(path, 207, "", [5]),
        case(path, 412, "", [item], **VERSION),
    ]


_ATTR = f"/entities/{ID}/attrs/a"
CASES: dict[str, list[Case]] = {
    "POST /entities": [
        case("/entities", 201, "", room(NEW)),
        case("/entities/", 201, "", room(NEW), **TENANT),
        case("/entities?local=true", 201, "", {**room(NEW), "@context": CORE_CONTEXT}, **LD),
        case("/entities", 409, "AlreadyExists", room()),
        case("/entities", 400, BAD, room("nonsense")),
        case("/entities", 400, BAD, {"id": NEW}),
        case("/entities", 400, BAD, {"type": "Room"}),
        case("/entities", 400, BAD, [room(NEW)]),
        *common("/entities", room(NEW), unknown=False),
    ],
    "GET /entities": [
        case("/entities?type=Room", 200),
        case("/entities/?q=a==1&count=true", 200),
        case("/entities?local=true", 200, Accept="application/geo+json"),
        case("/entities?type=Room", 203, **EARLIER),
        case("/entities", 400, BAD),
        case("/entities?type=Room&nonsense=1", 400, INVALID),
        case("/entities?type=Room&limit=-1", 400, BAD),
        case("/entities?type=Room&id=nonsense", 400, BAD),
        case("/entities?type=Room", 404, GONE, **NOBODY),
        case("/entities?type=Room", 406, Accept="text/html"),
        case("/entities?type=Room", 422, "OperationNotSupported", **MAP),
        case("/entities?type=Room", 504, UNREACHABLE, **AWAY),
    ],
    "DELETE /entities": [
        case("/entities?type=Room", 204),
        case("/entities/?type=Nothing", 204),
        case("/entities?type=Room&drop=a&geometryProperty=location", 204),
        case("/entities", 400, BAD),
        case(f"/entities?id={ID}", 400, BAD),
        case("/entities?type=Room&keep=a&drop=d", 400, BAD),
        case("/entities?type=Room&limit=1", 400, INVALID),
        case("/entities?type=Room", 412, **VERSION),
        case("/entities?type=Room", 404, GONE, **NOBODY),
        case("/entities?type=Room", 422, "OperationNotSupported", **MAP),
        case("/entities?type=Room", 504, UNREACHABLE, **AWAY),
    ],
    "GET /entities/{id}": [
        case(f"/entities/{ID}", 200),
        case(f"/entities/{ID}/?type=Room&attrs=a&options=keyValues", 200),
        case(f"/entities/{ID}", 203, **EARLIER),
        case("/entities/nonsense", 400, BAD),
        case(f"/entities/{ID}?nonsense=1", 400, INVALID),
        case(f"/entities/{NEW}", 404, UNKNOWN),
        case(f"/entities/{ID}?type=Hall", 404, UNKNOWN),
        case(f"/entities/{ID}?attrs=unknown", 404, UNKNOWN),
        case(f"/entities/{ID}", 404, GONE, **NOBODY),
        case(f"/entities/{ID}", 406, Accept="text/html"),
        case(f"/entities/{ID}", 422, "OperationNotSupported", **MAP),
        case(f"/entities/{ID}", 504, UNREACHABLE, **AWAY),
    ],
    "PUT /entities/{id}": [
        case(f"/entities/{ID}", 204, "", room()),
        case(f"/entities/{ID}/?type=Room", 204, "", {"type": "Room"}),
        case(f"/entities/{ID}", 400, BAD, {"b": 1}),
        case(f"/entities/{ID}", 400, BAD, room(OTHER)),
        case("/entities/", 400, BAD, room()),
        *of_entity(f"/entities/{ID}", {"type": "Room"}),
    ],
    "PATCH /entities/{id}": [
        case(f"/entities/{ID}", 204, "", {"a": 2}),
        case(f"/entities/{ID}/?type=Room&options=keyValues&lang=ja", 204, "", {"a": 2}),
        case(f"/entities/{ID}", 204, "", {"a": 2}, Content_Type="application/merge-patch+json"),
        case(f"/entities/{ID}?observedAt=today", 400, BAD, {"a": 2}),
        case("/entities/", 400, BAD, {"a": 2}),
        *of_entity(f"/entities/{ID}", {"a": 2}),
    ],
    "DELETE /entities/{id}": [
        case(f"/entities/{ID}", 204),
        case(f"/entities/{ID}/?type=Room&local=true", 204),
        case("/entities/nonsense", 400, BAD),
        case(f"/entities/{ID}?nonsense=1", 400, INVALID),
        case(f"/entities/{NEW}", 404, UNKNOWN),
        case(f"/entities/{ID}?type=Hall", 404, UNKNOWN),
        case(f"/entities/{ID}", 404, GONE, **NOBODY),
        case(f"/entities/{ID}?type=Room", 504, UNREACHABLE, **AWAY),
    ],
    "POST /entities/{id}/attrs": [
        case(f"/entities/{ID}/attrs", 204, "", {"a": 2}),
        case(f"/entities/{ID}/attrs/?options=noOverwrite", 207, "", {"a": 2, "b": 1}),
        case(f"/entities/{ID}/attrs?options=nonsense", 400, BAD, {"a": 2}),
        case(f"/entities/{ID}/attrs", 400, BAD, {"id": OTHER, "a": 2}),
        *of_entity(f"/entities/{ID}/attrs", {"a": 2}),
    ],
    "PATCH /entities/{id}/attrs": [
        case(f"/entities/{ID}/attrs/", 204, "", {"a": 2, "new": 1}),
        case(f"/entities/{OTHER}/attrs", 207, "", {"scope": "/B"}),
        case(f"/entities/{ID}/attrs", 400, BAD, {"in(valid": 2}),
        *of_entity(f"/entities/{ID}/attrs", {"a": 2}),
    ],
    "PATCH /entities/{id}/attrs/{attr}": [
        case(_ATTR, 204, "", {"value": 2}),
        case(f"/entities/{ID}/attrs/{FULL}/", 204, "", {"value": 2}),
        case(f"/entities/{ID}/attrs/d", 204, "", {"value": 2, "datasetId": "urn:d:1"}),
        case(f"/entities/{ID}/attrs/d", 404, UNKNOWN, {"value": 2, "datasetId": "urn:d:2"}),
        case(f"/entities/{ID}/attrs/unknown", 404, UNKNOWN, {"value": 2}),
        case(f"/entities/{ID}/attrs/scope", 400, BAD, {"value": "/B"}),
        case(f"/entities/{ID}/attrs/in(valid", 400, BAD, {"value": 2}),
        case(_ATTR, 400, BAD, {"type": "Relationship", "object": OTHER}),
        *of_entity(_ATTR, {"value": 2}),
    ],
    "PUT /entities/{id}/attrs/{attr}": [
        case(_ATTR, 204, "", {"type": "Relationship", "object": OTHER}),
        case(f"/entities/{ID}/attrs/{FULL}", 204, "", 5),
        case(f"/entities/{ID}/attrs/unknown", 404, UNKNOWN, {"value": 2}),
        case(f"/entities/{ID}/attrs/scope", 400, BAD, "/B"),
        case(_ATTR, 400, BAD, {"type": "Property"}),
        *of_entity(_ATTR, {"value": 2}),
    ],
    "DELETE /entities/{id}/attrs/{attr}": [
        case(_ATTR, 204),
        case(f"/entities/{ID}/attrs/{FULL}", 204),
        case(f"/entities/{ID}/attrs/scope", 204),
        case(f"/entities/{ID}/attrs/d?deleteAll=true&type=Room", 204),
        case(f"/entities/{ID}/attrs/d?datasetId=urn:d:2", 404, UNKNOWN),
        case(f"/entities/{ID}/attrs/d?datasetId=nonsense", 400, BAD),
        case(f"/entities/{ID}/attrs/unknown", 404, UNKNOWN),
        case(f"/entities/{NEW}/attrs/a", 404, UNKNOWN),
        case(f"{_ATTR}?type=Hall", 404, UNKNOWN),
        case("/entities/nonsense/attrs/a", 400, BAD),
        case(_ATTR, 404, GONE, **NOBODY),
        case(_ATTR, 504, UNREACHABLE, **AWAY),
    ],
    "POST /entityOperations/create": [
        case("/entityOperations/create", 201, "", [room(NEW)]),
        case("/entityOperations/create/", 201, "", [{**room(NEW), "@context": CORE_CONTEXT}], **LD),
        case("/entityOperations/create", 207, "", [room(), room(NEW)]),
        *of_batch("/entityOperations/create", room(NEW)),
    ],
    "POST /entityOperations/upsert": [
        case("/entityOperations/upsert", 201, "", [room(), room(NEW)]),
        case("/entityOperations/upsert?options=update", 204, "", [room()]),
        case("/entityOperations/upsert", 207, "", [room(), {"id": NEW}]),
        case("/entityOperations/upsert?options=replace,update", 400, BAD, [room()]),
        *of_batch("/entityOperations/upsert", room()),
    ],
    "POST /entityOperations/update": [
        case("/entityOperations/update", 204, "", [room()]),
        case("/entityOperations/update?options=noOverwrite", 207, "", [room()]),
        case("/entityOperations/update", 207, "", [room(), room(NEW)]),
        case("/entityOperations/update", 404, GONE, [room()], **NOBODY),
        *of_batch("/entityOperations/update", room()),
    ],
    "POST /entityOperations/merge": [
        case("/entityOperations/merge?options=keyValues", 204, "", [{"id": ID, "a": 2}]),
        case("/entityOperations/merge", 207, "", [room(), room(NEW)]),
        case("/entityOperations/merge", 404, GONE, [room()], **NOBODY),
        *of_batch("/entityOperations/merge", room()),
    ],
    "POST /entityOperations/delete": [
        case("/entityOperations/delete", 204, "", [ID, OTHER]),
        case("/entityOperations/delete", 207, "", [ID, NEW]),
        case("/entityOperations/delete", 207, "", ["nonsense"]),
        case("/entityOperations/delete", 400, BAD, []),
        case("/entityOperations/delete", 400, BAD, [None]),
        case("/entityOperations/delete?nonsense=1", 400, INVALID, [ID]),
        case("/entityOperations/delete", 404, GONE, [ID], **NOBODY),
        case("/entityOperations/delete", 412, "", [ID], **VERSION),
    ],
    "GET /types": of_question("/types", [case("/types?details=true", 200), case("/types?details=maybe", 400, BAD)]),
    "GET /types/{type}": of_question(
        "/types/Room",
        [
            case("/types/Nothing", 404, UNKNOWN),
            case("/types/in(valid", 400, BAD),
            case(f"/types/{quote(DEFAULT_VOCAB + 'Room', safe='')}/", 200),
        ],
    ),
    "GET /attributes": of_question("/attributes", [case("/attributes/?details=true", 200)]),
    "GET /attributes/{attr}": of_question(
        "/attributes/a",
        [
            case("/attributes/nothing", 404, UNKNOWN),
            case("/attributes/in(valid", 400, BAD),
            case(f"/attributes/{FULL}", 200),
        ],
    ),
    "POST /jsonldContexts": [
        case("/jsonldContexts", 201, "", {"@context": {"a": "https://a.example/a"}}),
        case("/jsonldContexts/", 201, "", {"@context": CORE_CONTEXT}, **LD),
        case("/jsonldContexts", 400, INVALID, {}),
        case("/jsonldContexts", 400, BAD, {"a": 1}),
        case("/jsonldContexts", 400, BAD, {"@context": {"a": {"@id": "https://a.example/a", "@context": {}}}}),
        case("/jsonldContexts", 504, UNREACHABLE, {"@context": "http://127.0.0.1:1/away"}),
    ],
    "GET /jsonldContexts": [
        case("/jsonldContexts", 200),
        case("/jsonldContexts/?details=true&kind=Hosted", 200),
        case("/jsonldContexts?kind=nonsense", 400, BAD),
        case("/jsonldContexts", 404, GONE, **NOBODY),
        case("/jsonldContexts", 406, Accept="application/geo+json"),
    ],
    "GET /info/sourceIdentity": of_question("/info/sourceIdentity", []),
}

# declared for what comes with registrations, or seen in the tests of questions and of fetched contexts
ELSEWHERE = {403, 422}
_TESTED_BESIDE = {"POST /entityOperations/query", "GET /jsonldContexts/{id}", "DELETE /jsonldContexts/{id}"}


@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_answers_as_declared(client: httpx.AsyncClient, operation: str) -> None:
    method = operation.partition(" ")[0]
    for it in CASES[operation]:
        await client.delete("/entities?local=true")
        await client.post("/entityOperations/create", json=[STORED, room(OTHER)])
        answer = await client.request(method, it.path, json=it.body, headers=it.headers)
        assert answer.status_code == it.status, (it, answer.text)
        _check(answer, it)


def _check(answer: httpx.Response, it: Case) -> None:
    """What every answer of this status has (6.3.2 to 6.3.6)."""
    if it.status in (204, 415):
        assert answer.content == b"", it
    if it.status == 201 and "Operations" not in it.path:
        assert answer.headers["location"].startswith(f"{V1}{it.path.partition('?')[0].rstrip('/')}/"), it
    if it.status >= 207:
        assert answer.headers["content-type"] == "application/json", it
        assert "link" not in answer.headers, it
    if it.error:
        assert answer.json()["type"] == ERRORS + it.error, (it, answer.text)
    if it.status >= 400:
        assert answer.json().keys() >= {"type", "title", "detail", "status"}, it
    if "Prefer" in it.headers:
        assert answer.headers["preference-applied"] == it.headers["Prefer"], it
    if it.status in (200, 203):
        # the @context is in the answer or in a Link, but a list of stored contexts has none
        inside = b"@context" in answer.content
        assert inside or "link" in answer.headers or it.path.startswith("/jsonldContexts"), it
    if "NGSILD-Tenant" in it.headers:
        assert answer.headers["ngsild-tenant"] == it.headers["NGSILD-Tenant"], it


def test_every_declared_status_has_its_case() -> None:
    rows = [*ENTITIES_ROWS, *BATCHES_ROWS, *DISCOVERY_ROWS, *CONTEXTS_ROWS, *ABOUT_ROWS]
    for row in rows:
        name = f"{row.method} {row.path.removeprefix(V1)}"
        if row.hidden or not row.path.startswith(V1) or name in _TESTED_BESIDE:
            continue
        declared = {*row.answers, *row.errors} - ELSEWHERE
        if row.method != "POST" or "{id}" in row.path:
            declared.discard(409)  # Conflict comes with registrations
        missing = declared - {it.status for it in CASES[name]}
        assert not missing, (name, missing)
