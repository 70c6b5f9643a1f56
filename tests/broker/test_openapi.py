"""What the broker tells of itself: the page /docs and the headers and errors of the OpenAPI document."""

import re

import httpx
import pytest

from broker import openapi
from broker.api.operations import OPERATIONS
from broker.api.operations.common import V1
from broker.api.parameters import parse
from ngsi.errors import BadRequestData

ROOT = "http://127.0.0.1:1026"
DOCUMENT = openapi.describe(OPERATIONS)
ID = "urn:ngsi-ld:Room:1"
ROOM = {"id": ID, "type": "Room", "t": {"type": "Property", "value": 1, "unitCode": "CEL"}}


async def test_the_page_needs_nothing_from_another_server(client: httpx.AsyncClient) -> None:
    page = await client.get(f"{ROOT}/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "openapi.json" in page.text
    assert re.findall(r"(?:src|href)=\"(.*?)\"", page.text) == ["openapi.json"]
    assert "//" not in re.sub(r"\s// .*", "", page.text)


async def test_the_bare_address_leads_to_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{ROOT}/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/docs")


def test_a_place_in_the_log_may_be_large() -> None:
    """At 3,000 changes a second the billionth comes after four days."""
    for name in ("lastEventId", "after"):
        assert parse(f"{name}={10**18 - 1}".encode(), {name}) == {name: str(10**18 - 1)}
        with pytest.raises(BadRequestData, match=name):
            parse(f"{name}={10**18}".encode(), {name})
    with pytest.raises(BadRequestData, match="999999999"):
        parse(b"limit=1000000000", {"limit"})


def told(method: str, path: str) -> dict[str, set[str]]:
    """Status to the names of its headers."""
    answers = DOCUMENT["paths"][path][method]["responses"]
    return {status: set(answer.get("headers", ())) for status, answer in answers.items()}


def asked(method: str, path: str) -> set[str]:
    parameters = DOCUMENT["paths"][path][method]["parameters"]
    return {each["$ref"].rpartition("/")[2] for each in parameters if "$ref" in each}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("get", f"{V1}/entities", {"NGSILD-Tenant", "Link", "Prefer"}),
        ("get", f"{V1}/entities/{{id}}", {"NGSILD-Tenant", "Link", "Prefer", "If-None-Match"}),
        ("post", f"{V1}/entityOperations/query", {"NGSILD-Tenant", "Link", "Prefer"}),
        ("get", f"{V1}/temporal/entities", {"NGSILD-Tenant", "Link", "Prefer"}),
        ("get", f"{V1}/temporal/entities/{{id}}", {"NGSILD-Tenant", "Link", "Prefer"}),
        ("post", f"{V1}/temporal/entityOperations/query", {"NGSILD-Tenant", "Link", "Prefer"}),
        ("post", f"{V1}/entities", {"NGSILD-Tenant", "Link", "If-Match", "If-None-Match"}),
        ("patch", f"{V1}/entities/{{id}}/attrs", {"NGSILD-Tenant", "Link", "If-Match", "If-None-Match"}),
        ("get", f"{V1}/stream", {"NGSILD-Tenant", "Link", "Last-Event-ID"}),
        ("get", "/admin/quarantine", {"NGSILD-Tenant"}),
        ("get", "/health", set()),
    ],
)
def test_the_headers_of_requests_are_told(method: str, path: str, headers: set[str]) -> None:
    assert asked(method, path) == headers


async def test_the_headers_of_answers_are_told(client: httpx.AsyncClient) -> None:
    made = await client.post("/entities", json=ROOM)
    read = await client.get(f"/entities/{ID}")
    same = await client.get(f"/entities/{ID}", headers={"If-None-Match": read.headers["etag"]})
    late = await client.delete(f"/entities/{ID}", headers={"If-Match": '"1"'})
    many = await client.get("/entities?type=Room&count=true")
    earlier, former = {"Prefer": "ngsi-ld=1.0"}, "timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=createdAt"
    older = await client.get(f"/entities/{ID}", headers=earlier)
    olden = await client.get("/entities?type=Room&count=true", headers=earlier)
    by_body = {"type": "Query", "entities": [{"type": "Room"}]}
    posted = await client.post("/entityOperations/query?count=true", json=by_body, headers=earlier)
    past = await client.get(f"/temporal/entities/{ID}?{former}", headers=earlier)
    evolved = await client.get(f"/temporal/entities?type=Room&{former}", headers=earlier)
    for method, path, answer in (
        ("post", f"{V1}/entities", made),
        ("get", f"{V1}/entities/{{id}}", read),
        ("get", f"{V1}/entities/{{id}}", same),
        ("delete", f"{V1}/entities/{{id}}", late),
        ("get", f"{V1}/entities", many),
        ("get", f"{V1}/entities/{{id}}", older),
        ("get", f"{V1}/entities", olden),
        ("post", f"{V1}/entityOperations/query", posted),
        ("get", f"{V1}/temporal/entities/{{id}}", past),
        ("get", f"{V1}/temporal/entities", evolved),
    ):
        known = told(method, path)[str(answer.status_code)]
        for name in openapi.ANSWER_HEADERS:
            assert name in known or name not in answer.headers, (method, path, name)
    assert [each.status_code for each in (made, read, same, late, many)] == [201, 200, 304, 412, 200]
    assert {each.status_code for each in (older, olden, posted, past, evolved)} == {203}


async def test_an_unknown_tenant_is_an_error_that_is_told(client: httpx.AsyncClient) -> None:
    for operation in OPERATIONS:
        if operation.hidden or operation.body or "{" in operation.path or not operation.path.startswith(V1):
            continue
        given = "?type=Room" if "type" in operation.query else ""
        answer = await client.request(
            operation.method, f"{ROOT}{operation.path}{given}", headers={"NGSILD-Tenant": "nobody"}
        )
        assert str(answer.status_code) in told(operation.method.lower(), operation.path), operation


async def test_the_openapi_document_describes_every_operation(client: httpx.AsyncClient) -> None:
    document = (await client.get(f"{ROOT}/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    for operation in OPERATIONS:
        described = document["paths"].get(operation.path.replace(":int", ""), {}).get(operation.method.lower())
        assert (described is None) == operation.hidden, operation
        if described:
            assert {it["name"] for it in described["parameters"] if it.get("in") == "query"} == set(operation.query)
            assert ("requestBody" in described) == (operation.body is not None)
