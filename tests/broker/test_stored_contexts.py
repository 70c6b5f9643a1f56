"""Stored @contexts (GS CIM 009, 5.13)."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.broker.meanings import CONTEXTS, CORE, ERRORS, LD, ROOM, ROOT, TERMS, broker, link, listed, post_ld
from tests.broker.sources import Page, Source


async def host(http: httpx.AsyncClient, context: Any = TERMS, **headers: str) -> str:
    answer = await http.post(CONTEXTS, json={"@context": context, "else": "discarded"}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def test_a_hosted_context_is_served_and_used(city: httpx.AsyncClient) -> None:
    path = await host(city)
    assert path.startswith("/ngsi-ld/v1/jsonldContexts/urn:")
    assert (await city.get(ROOT + path)).json() == {"@context": TERMS}
    assert (await city.get(ROOT + path + "?core=1.8")).json()["@context"] == [TERMS, CORE.replace("1.9", "1.8")]
    assert (await city.get(ROOT + path + "?core=9.9")).status_code == 400
    assert await listed(city, "details=false") == [ROOT + path]
    for base in (ROOT, "http://city.example:8080"):
        await city.post("/entities", json=ROOM, headers=link(base + path))
        assert (await city.get(f"/entities/{ROOM['id']}")).json()["type"] == "https://a.example/Room"
        await city.delete(f"/entities/{ROOM['id']}")
    [told] = await listed(city)
    assert (told["URL"], told["kind"], told["numberOfHits"] >= 2) == (ROOT + path, "Hosted", True)
    assert told["localId"] == path.rpartition("/")[2]
    assert told["timestamp"] == told["createdAt"] <= told["lastUsage"]
    assert (await city.get(ROOT + path + "?details=true")).json() == told
    for name in (ROOT + path, quote(ROOT + path, safe="")):
        assert (await city.get(f"{CONTEXTS}/{name}")).json() == {"@context": TERMS}
    assert (await city.delete(f"{CONTEXTS}/{told['URL']}")).status_code == 204
    assert await listed(city) == []


async def test_the_listed_link_of_a_tenant_s_context_is_good_for_everything(city: httpx.AsyncClient) -> None:
    tenant = {"NGSILD-Tenant": "walk"}
    for by in (str, lambda url: f"{CONTEXTS}/{quote(url, safe='')}"):
        await host(city, **tenant)
        [told] = (await city.get(f"{CONTEXTS}?details=true", headers=tenant)).json()
        url = by(told["URL"])
        assert (await city.get(url, headers=tenant)).json() == {"@context": TERMS}
        assert (await city.delete(url, headers={"NGSILD-Tenant": "other"})).status_code in (400, 404)
        assert (await city.delete(url, headers=tenant)).status_code == 204
        assert (await city.get(CONTEXTS, headers=tenant)).json() == []
    await host(city, **tenant)
    [url] = (await city.get(CONTEXTS, headers=tenant)).json()
    assert (await city.delete(url)).status_code == 204  # the link says whose it is


async def test_a_fetched_context_is_told_of_but_not_served(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    for _ in range(3):
        await city.get("/entities?type=Room", headers=link(url))
    assert await listed(city, "kind=Cached") == [url]
    [told] = await listed(city)
    assert (told["URL"], told["kind"], told["numberOfHits"]) == (url, "Cached", 3)
    assert told["createdAt"] < told["expiresAt"]
    for name in (quote(url, safe=""), url, told["localId"]):
        answer = await city.get(f"{CONTEXTS}/{name}")
        assert (answer.status_code, answer.json()["type"]) == (422, ERRORS + "OperationNotSupported")
        assert (await city.get(f"{CONTEXTS}/{name}?details=true")).json()["URL"] == url


async def test_a_fetched_context_is_reloaded_or_deleted(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    name = quote(url, safe="")
    await city.post("/entities", json=ROOM, headers=link(url))
    web.put("/c.jsonld", {"Zimmer": "https://a.example/Room"})

    async def shown() -> str:
        return str((await city.get(f"/entities/{ROOM['id']}", headers=link(url))).json()["type"])

    assert await shown() == "Room"
    assert (await city.delete(f"{CONTEXTS}/{name}?reload=true")).status_code == 204
    assert await shown() == "Zimmer"
    for page in (Page(b"", 500), Page(b"<html>")):
        web.pages["/c.jsonld"] = page
        answer = await city.delete(f"{CONTEXTS}/{name}?reload=true")
        assert (answer.status_code, answer.json()["type"]) == (504, ERRORS + "LdContextNotAvailable")
        assert await shown() == "Zimmer"
    assert (await city.delete(f"{CONTEXTS}/{name}")).status_code == 204
    assert (await city.delete(f"{CONTEXTS}/{name}")).status_code == 404
    assert await listed(city) == []
    assert (await city.get(f"/entities/{ROOM['id']}", headers=link(url))).status_code == 400


# what a source gives in place of TERMS, and a word of the reason
SPOILT = [
    ({"a": "b:x", "b": "a:y"}, "itself"),
    ({"T": "a b"}, "not an IRI"),
    ([{"@protected": True, "T": "https://a.example/1"}, {"T": "https://a.example/2"}], "protected"),
    (["/none.jsonld"], "404"),
    (["/new.jsonld"], "not an IRI"),
    (["/c.jsonld"], "deep"),
]


@pytest.mark.parametrize(("context", "word"), SPOILT)
async def test_a_context_that_does_not_compile_is_no_reload(
    city: httpx.AsyncClient, web: Source, context: Any, word: str
) -> None:
    url = web.put("/c.jsonld", TERMS)
    await city.post("/entities", json=ROOM, headers=link(url))
    web.put("/c.jsonld", context)
    web.put("/new.jsonld", {"T": "a b"})
    answer = await city.delete(f"{CONTEXTS}/{quote(url, safe='')}?reload=true")
    assert (answer.status_code, answer.json()["type"]) == (504, ERRORS + "LdContextNotAvailable")
    assert word in answer.json()["detail"]
    assert (await city.get(f"/entities/{ROOM['id']}", headers=link(url))).json()["type"] == "Room"
    assert await listed(city, "kind=Cached") == [url]


async def test_a_compound_context_gets_a_url(city: httpx.AsyncClient, web: Source) -> None:
    """A json answer links its @context; several URLs, or an object, are hosted for that (6.3.6, 5.13.1)."""
    url = web.put("/c.jsonld", TERMS)
    await city.post("/entities", json=ROOM, headers=link(url))
    for compound in ([url, {"x": "https://a.example/x"}], {"Raum": "https://a.example/Room"}):
        question = {"type": "Query", "entities": [{"type": "https://a.example/Room"}], "@context": compound}
        urls = set()
        for _ in range(2):
            answer = await post_ld(city, "/entityOperations/query", question, Accept="application/json")
            assert answer.status_code == 200, answer.text
            urls.add(answer.headers["link"].partition(">")[0][1:])
        [hosted] = urls
        assert (await city.get(hosted)).json() == {"@context": compound}
        assert (await city.get(hosted + "?details=true")).json()["kind"] == "ImplicitlyCreated"
        again = await city.get("/entities?type=https://a.example/Room", headers=link(hosted))
        assert again.json() == answer.json()
        inside = await post_ld(city, "/entityOperations/query", question, Accept=LD)
        assert inside.json()[0]["@context"] == compound
    assert len(await listed(city, "kind=ImplicitlyCreated")) == 2
    one = {"type": "Query", "entities": [{"type": "Room"}], "@context": [url, CORE]}
    answer = await post_ld(city, "/entityOperations/query", one)
    assert answer.headers["link"] == link(url)["Link"]


async def test_a_tenants_link_can_be_followed_without_a_header(city: httpx.AsyncClient) -> None:
    inn = {"NGSILD-Tenant": "inn"}
    await city.post("/entities", json=ROOM, headers=inn)
    question = {"type": "Query", "entities": [{"type": "Room"}], "@context": {"Zimmer": "https://a.example/Room"}}
    answer = await post_ld(city, "/entityOperations/query", question, **inn)
    url = answer.headers["link"].partition(">")[0][1:]
    assert (await city.get(url)).json() == {"@context": question["@context"]}
    assert (await city.get(url, headers={"NGSILD-Tenant": "other"})).status_code == 400
    assert (await city.get(url.partition("?")[0])).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/none", 404, "ResourceNotFound"),
        ("GET", "/none?details=true", 404, "ResourceNotFound"),
        ("GET", "/none?details=maybe", 400, "BadRequestData"),
        ("GET", "/none?reload=true", 400, "InvalidRequest"),
        ("GET", "/" + quote(CORE, safe=""), 400, "BadRequestData"),
        ("GET", "?kind=Own", 400, "BadRequestData"),
        ("GET", "?details=1", 400, "BadRequestData"),
        ("DELETE", "/none", 404, "ResourceNotFound"),
        ("DELETE", "/none?reload=perhaps", 400, "BadRequestData"),
        ("DELETE", "/none?reload=true", 404, "ResourceNotFound"),
        ("DELETE", "/" + quote(CORE, safe=""), 400, "BadRequestData"),
        ("DELETE", "/", 405, None),
    ],
)
async def test_errors_of_stored_contexts(
    city: httpx.AsyncClient, method: str, path: str, status: int, kind: str | None
) -> None:
    answer = await city.request(method, CONTEXTS + path)
    assert answer.status_code == status
    assert kind is None or answer.json()["type"] == ERRORS + kind


@pytest.mark.parametrize(
    "body",
    [
        {"x": 1},
        [1],
        *(
            {"@context": context}
            for context in (5, {"a": 1}, {"a": {"@context": {}}}, {"@version": 1.0}, {"a": {"@id": CORE, "foo": 1}})
        ),
    ],
)
async def test_only_contexts_are_hosted(city: httpx.AsyncClient, body: Any) -> None:
    answer = await city.post(CONTEXTS, json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "BadRequestData")
    assert await listed(city) == []


async def test_what_is_hosted_cannot_be_reloaded(city: httpx.AsyncClient) -> None:
    path = await host(city)
    assert (await city.delete(ROOT + path + "?reload=true")).status_code == 400
    assert (await city.delete(ROOT + path)).status_code == 204
    assert (await city.get(ROOT + path)).status_code == 404
    assert (await city.get("/entities?type=Room", headers=link(ROOT + path))).status_code == 504


async def test_tenants_share_no_context(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    inn, out = {"NGSILD-Tenant": "inn"}, {"NGSILD-Tenant": "out"}
    path = await host(city, **inn)
    await city.post("/entities", json=ROOM, headers=inn | link(url))
    assert len(await listed(city, **inn)) == 2
    for headers in ({}, out):
        assert (await city.get(ROOT + path, headers=headers)).status_code == 404
        assert (await city.delete(ROOT + path, headers=headers)).status_code == 404
    assert await listed(city) == []
    assert (await city.get(CONTEXTS, headers=out)).json()["type"] == ERRORS + "NonexistentTenant"
    assert (await city.get("/entities?type=Room", headers=link(ROOT + path))).status_code == 504
    assert (await city.get("/entities?type=Room", headers=inn | link(ROOT + path))).status_code == 200


async def test_a_link_is_good_for_other_tenants_too(city: httpx.AsyncClient) -> None:
    """What anybody can get by its URL, anybody can name; it is found in the tenant that the URL names."""
    inn, out = {"NGSILD-Tenant": "inn"}, {"NGSILD-Tenant": "out"}
    await host(city, **inn)
    [url] = (await city.get(CONTEXTS, headers=inn)).json()
    assert url.endswith("?tenant=inn")
    await city.post("/entities", json=ROOM, headers=out | link(url))
    assert (await city.get(f"/entities/{ROOM['id']}", headers=out)).json()["type"] == "https://a.example/Room"
    assert (await city.get(f"/entities/{ROOM['id']}", headers=out | link(url))).json()["type"] == "Room"
    assert (await city.get("/entities?type=Room", headers=link(url))).status_code == 200
    told = await listed(city, **inn)
    assert [item["numberOfHits"] for item in told] == [3]
    for strange in (url.replace("=inn", "=out"), url + "%00", url.replace("?", "%00?")):
        assert (await city.get("/entities?type=Room", headers=inn | link(strange))).status_code == 504
    assert (await city.delete(url)).status_code == 204
    assert (await city.get("/entities?type=Room", headers=out | link(url))).status_code == 504


async def test_two_brokers_agree_on_what_was_deleted(dsn: str) -> None:
    async with broker(dsn) as one, broker(dsn) as other:
        path = await host(one)
        asked = ("/entities?type=Room", link(ROOT + path))
        for http in (one, other):
            assert (await http.get(asked[0], headers=asked[1])).status_code == 200
        await one.delete(ROOT + path)
        for _ in range(100):
            if (await other.get(asked[0], headers=asked[1])).status_code == 504:
                return
            await asyncio.sleep(0.05)
    pytest.fail("the other broker still uses the deleted context")
