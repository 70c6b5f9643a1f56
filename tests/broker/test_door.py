"""The HTTP binding: what is settled before an operation runs and after it answered (GS CIM 009, 6.3)."""

from typing import Any

import httpx
import pytest

from broker.api.negotiation import CONTEXTUAL, ENTITIES, GEO, JSON, LD, negotiate
from broker.api.operations import OPERATIONS
from broker.api.operations.common import V1
from broker.api.parameters import PARAMETERS, parse
from broker.api.routes import Routes
from ngsi.errors import BadRequestData

ROOT = "http://127.0.0.1:1026"
ID = "urn:ngsi-ld:Room:1"
ROOM = {"id": ID, "type": "Room", "name": "金沢"}
HOUSE = "https://uri.etsi.org/ngsi-ld/errors/"


@pytest.mark.parametrize(
    ("accept", "offered", "media"),
    [
        ("", CONTEXTUAL, JSON),
        ("*/*", CONTEXTUAL, JSON),
        ("application/*", CONTEXTUAL, JSON),
        ("application/ld+json", CONTEXTUAL, LD),
        ("application/ld+json, application/json", CONTEXTUAL, JSON),
        ("application/ld+json, application/json;q=0.9", CONTEXTUAL, LD),
        ("application/json;q=0.1, */*;q=0.5", CONTEXTUAL, LD),
        ("application/json;q=0, */*", CONTEXTUAL, LD),
        ("application/json;q=0", CONTEXTUAL, None),
        ("application/*;q=0, */*", CONTEXTUAL, None),
        ("text/html, application/xhtml+xml, */*;q=0.8", CONTEXTUAL, JSON),
        ("text/html", CONTEXTUAL, None),
        ("application/geo+json", CONTEXTUAL, None),
        ("application/geo+json", ENTITIES, GEO),
        ("application/geo+json, application/json", ENTITIES, JSON),
        ("application/geo+json;q=0.9, application/ld+json;q=0.8", ENTITIES, GEO),
        ('application/ld+json; profile="http://www.w3.org/ns/json-ld#compacted" ; q=1', CONTEXTUAL, LD),
        ("APPLICATION/LD+JSON", CONTEXTUAL, LD),
        ("application/ld+json;q=nonsense", CONTEXTUAL, LD),
        (",,;q=1", CONTEXTUAL, None),
    ],
)
def test_the_accept_header_chooses(accept: str, offered: tuple[str, ...], media: str | None) -> None:
    assert negotiate(accept, offered) == media


@pytest.fixture
def routes() -> Routes[str]:
    routes: Routes[str] = Routes()
    for path in (
        "/e",
        "/e/{id}",
        "/e/{id}/attrs",
        "/e/{id}/attrs/{attr}",
        "/e/{id}/attrs/{attr}/{instance}",
        "/n/{no:int}",
    ):
        routes.add(path, path)
    return routes


@pytest.mark.parametrize(
    ("raw", "path", "variables"),
    [
        ("/e", "/e", {}),
        ("/e/", "/e", {}),
        ("//e//", "/e", {}),
        ("/e/urn:a:1", "/e/{id}", {"id": "urn:a:1"}),
        ("/e//urn:a:1//", "/e/{id}", {"id": "urn:a:1"}),
        ("/e/urn%3Aa%3A1", "/e/{id}", {"id": "urn:a:1"}),
        ("/e/urn:a:%E9%87%91", "/e/{id}", {"id": "urn:a:金"}),
        ("/e/a%252Fb", "/e/{id}", {"id": "a%2Fb"}),
        ("/e/http%3A%2F%2Fx.example%2F1%2F", "/e/{id}", {"id": "http://x.example/1/"}),
        ("/e/http://x.example/1", "/e/{id}", {"id": "http://x.example/1"}),
        ("/e/http://x.example/1/attrs/t", "/e/{id}/attrs/{attr}", {"id": "http://x.example/1", "attr": "t"}),
        ("/e/u:1/attrs/https://x.example/t", "/e/{id}/attrs/{attr}", {"id": "u:1", "attr": "https://x.example/t"}),
        ("/e/u:1/attrs/", "/e/{id}/attrs", {"id": "u:1"}),
        ("/e/u:1//attrs//t/", "/e/{id}/attrs/{attr}", {"id": "u:1", "attr": "t"}),
        ("/e/u:1/attrs/t/i:1", "/e/{id}/attrs/{attr}/{instance}", {"id": "u:1", "attr": "t", "instance": "i:1"}),
        ("/e/x%2Fattrs%2Fy", "/e/{id}", {"id": "x/attrs/y"}),
        ("/n/12", "/n/{no:int}", {"no": 12}),
    ],
)
def test_paths_are_found(routes: Routes[str], raw: str, path: str, variables: dict[str, Any]) -> None:
    assert routes.find(raw) == (path, variables)


@pytest.mark.parametrize("raw", ["/", "", "/x", "/n/twelve", "/n/-1", "/n/", "/attrs", "/x/e"])
def test_other_paths_mean_nothing(routes: Routes[str], raw: str) -> None:
    assert routes.find(raw) is None


@pytest.mark.parametrize("raw", ["/e/%ff", "/e/a%00b"])
def test_ids_are_utf8(routes: Routes[str], raw: str) -> None:
    with pytest.raises(BadRequestData):
        routes.find(raw)


def test_the_table_is_consistent() -> None:
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({operation.name for operation in OPERATIONS if not operation.hidden}) == sum(
        not operation.hidden for operation in OPERATIONS
    )
    for operation in OPERATIONS:
        assert operation.query <= PARAMETERS.keys(), operation
        assert operation.choices.keys() <= operation.query, operation
        assert operation.function.__doc__, operation


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "/entityOperations/create", 405, "OPTIONS, POST"),
        ("GET", "/entityOperations/create/", 405, "OPTIONS, POST"),
        ("POST", f"/entities/{ID}", 405, None),
        ("TRACE", f"/entities/{ID}", 405, None),
        ("DELETE", f"/entities/{ID}/attrs/", 405, None),
        ("PUT", "/entities/", 400, None),
        ("PATCH", "/entities", 400, None),
        ("GET", "/nonsense", 404, None),
        ("GET", "", 404, None),
        ("GET", "/entities/" + "x" * 9000, 414, None),
    ],
)
async def test_wrong_methods_and_paths(
    client: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    if status == 405:
        assert answer.headers["allow"] == allow or (allow is None and method not in answer.headers["allow"].split(", "))


async def test_options_tell_what_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.options(f"/entities/{ID}/attrs/t")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, OPTIONS, PATCH, PUT"
    assert "application/merge-patch+json" in answer.headers["accept-patch"]
    assert "accept-patch" not in (await client.options("/entityOperations/create")).headers
    assert "HEAD" in (await client.options(f"/entities/{ID}")).headers["allow"]


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=ROOM)
    for path in (f"/entities/{ID}", "/entities?type=Room&count=true", f"{ROOT}/version", f"{ROOT}/health"):
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == get.headers
    assert (await client.head("/entities/urn:x:none")).status_code == 404


async def test_an_answer_without_content_has_no_length(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=ROOM)
    answer = await client.delete(f"/entities/{ID}")
    assert answer.status_code == 204
    assert "content-length" not in answer.headers
    assert "link" not in answer.headers


async def test_unacceptable_types_are_told_what_there_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/entities?type=Room", headers={"Accept": "text/turtle"})
    assert answer.status_code == 406
    assert answer.headers["content-type"] == JSON
    assert {JSON, LD} <= set(answer.json()["available"])
    elsewhere = await client.get(f"/temporal/entities/{ID}", headers={"Accept": GEO})
    assert elsewhere.json()["available"] == [JSON, LD]


@pytest.mark.parametrize(
    ("query", "kind", "word"),
    [
        ("type=Room&foo=1", "InvalidRequest", "foo"),
        ("type=Room&type=Hall", "InvalidRequest", "type"),
        ("type=Room&TYPE=Hall", "InvalidRequest", "TYPE"),
        ("type=", "BadRequestData", "type"),
        ("type=Room&limit=", "BadRequestData", "limit"),
        ("type=Room&limit=-1", "BadRequestData", "limit"),
        ("type=Room&limit=1.5", "BadRequestData", "limit"),
        ("type=Room&limit=１", "BadRequestData", "limit"),
        ("type=Room&limit=99999", "BadRequestData", "limit"),
        ("type=Room&count=yes", "BadRequestData", "count"),
        ("type=Room&options=nonsense", "BadRequestData", "options"),
        ("type=%00", "BadRequestData", "type"),
        ("type=%ff", "BadRequestData", "type"),
        ("=1&type=Room", "InvalidRequest", "''"),
    ],
)
async def test_wrong_parameters_are_named(client: httpx.AsyncClient, query: str, kind: str, word: str) -> None:
    answer = await client.get(f"/entities?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, HOUSE + kind)
    assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    "entity_id", ["http://x.example/a/b", "urn:x:金沢", "urn:x:a%2Fb", "urn:x:a?b", "urn:x:a/attrs/b"]
)
async def test_ids_of_every_sort_are_addressed(client: httpx.AsyncClient, entity_id: str) -> None:
    made = await client.post("/entities", json={"id": entity_id, "type": "Room", "t": 1})
    assert made.status_code == 201
    path = made.headers["location"].removeprefix(V1)
    assert (await client.get(path)).json()["id"] == entity_id
    assert (await client.get(path + "/")).json()["id"] == entity_id
    assert (await client.patch(f"{path}//attrs/t/", json={"value": 2})).status_code == 204
    assert (await client.delete(path)).status_code == 204


@pytest.mark.parametrize(
    "link",
    [
        '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"',
        "<{}>;rel=http://www.w3.org/ns/json-ld#context",
        '<{}>; type="application/ld+json"; rel="http://www.w3.org/ns/json-ld#context"',
        '<{}>; rel="http://www.w3.org/ns/json-ld#context',
        '<{}; rel="http://www.w3.org/ns/json-ld#context"',
        '<http://other.example/>; rel="next", <{}>; rel="http://www.w3.org/ns/json-ld#context"',
    ],
)
async def test_sloppy_links_are_understood(client: httpx.AsyncClient, link: str) -> None:
    missing = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
    answer = await client.get("/entities?type=Room", headers={"Link": link.format(missing)})
    assert answer.status_code == 200
    wrong = await client.get("/entities?type=Room", headers={"Link": link.format("ftp://a.example/context")})
    assert wrong.status_code == 400
    assert "ftp://a.example/context" in wrong.json()["detail"]


@pytest.mark.parametrize(
    "link",
    [
        '<>; rel="http://www.w3.org/ns/json-ld#context"',
        'rel="http://www.w3.org/ns/json-ld#context"',
        '<https://a.example/1>; rel="http://www.w3.org/ns/json-ld#context", '
        '<https://a.example/2>; rel="http://www.w3.org/ns/json-ld#context"',
    ],
)
async def test_a_link_names_one_context(client: httpx.AsyncClient, link: str) -> None:
    answer = await client.get("/entities?type=Room", headers={"Link": link})
    assert (answer.status_code, answer.json()["type"]) == (400, HOUSE + "BadRequestData")
    assert "Link" in answer.json()["detail"]


async def test_what_is_meant_for_a_snapshot_or_a_map_leaves_the_live_data_alone(client: httpx.AsyncClient) -> None:
    """Neither is kept here, so the header must not be passed over (5.5.15, 6.4.3.3)."""
    await client.post("/entities", json=ROOM)
    snapshot = {"NGSILD-Snapshot": "urn:ngsi-ld:Snapshot:1"}
    for method, path, body in (
        ("DELETE", f"/entities/{ID}", None),
        ("PATCH", f"/entities/{ID}", {"t": 9}),
        ("GET", "/entities?type=Room", None),
        ("POST", "/entityOperations/delete", [ID]),
    ):
        answer = await client.request(method, path, json=body, headers=snapshot)
        assert (answer.status_code, answer.json()["type"]) == (404, HOUSE + "ResourceNotFound"), path
    entity_map = {"NGSILD-EntityMap": "urn:ngsi-ld:entitymap:1"}
    for method in ("DELETE", "GET"):
        answer = await client.request(method, "/entities?type=Room", headers=entity_map)
        assert (answer.status_code, answer.json()["type"]) == (422, HOUSE + "OperationNotSupported")
    assert (await client.get(f"/entities/{ID}?options=keyValues")).json() == ROOM


async def test_a_tenant_may_be_a_uri(client: httpx.AsyncClient) -> None:
    tenant = {"NGSILD-Tenant": "urn:ngsi-ld:tenant:kanazawa"}
    assert (await client.post("/entities", json=ROOM, headers=tenant)).status_code == 201
    answer = await client.get(f"/entities/{ID}", headers=tenant)
    assert answer.json()["id"] == ID
    assert answer.headers["ngsild-tenant"] == tenant["NGSILD-Tenant"]
    assert (await client.get(f"/entities/{ID}")).status_code == 404


async def test_the_tenant_is_echoed_whatever_its_header(client: httpx.AsyncClient) -> None:
    for header in ("NGSILD-Tenant", "Fiware-Service"):
        made = await client.post("/entities", json=ROOM, headers={header: f"t_{header.lower()}".replace("-", "")})
        assert made.status_code == 201
        assert made.headers["ngsild-tenant"].startswith("t_")
    refused = await client.get(f"/entities/{ID}", headers={"NGSILD-Tenant": "nobody"})
    assert refused.json()["type"] == HOUSE + "NonexistentTenant"
    assert refused.headers["ngsild-tenant"] == "nobody"
    assert refused.headers["content-type"] == JSON
    bad = await client.get(f"/entities/{ID}", headers={"NGSILD-Tenant": "a b"})
    assert bad.status_code == 400
    assert "ngsild-tenant" not in bad.headers


async def test_the_count_of_old_clients_is_understood(client: httpx.AsyncClient) -> None:
    answer = await client.get("/entities?type=Room&options=count,keyValues")
    assert answer.status_code == 200
    assert answer.headers["ngsild-results-count"] == "0"
    assert (await client.get("/entities/urn:x:1?options=count")).status_code == 400


def test_text_that_is_not_percent_encoded_is_read_as_utf_8() -> None:
    assert parse('q=name=="金沢"'.encode(), {"q"}) == {"q": 'name=="金沢"'}


async def test_the_operators_own_paths_answer_json_whatever_is_accepted(client: httpx.AsyncClient) -> None:
    answer = await client.get("http://127.0.0.1:1026/version", headers={"Accept": "application/ld+json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
