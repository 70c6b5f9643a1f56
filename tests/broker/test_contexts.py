"""@contexts: fetched, hosted, compound; what a context means for what is stored and shown (GS CIM 009, 5.5.7, 5.13)."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import orjson
import pytest

from broker.store.statements import statements
from tests.broker.meanings import CONTEXTS, CORE, ERRORS, LD, ROOM, ROOT, TERMS, broker, link, listed, post_ld
from tests.broker.sources import Page, Source

# -- where the context of a request comes from (6.3.5)


async def test_a_link_gives_names_their_meaning(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    assert (await city.post("/entities", json=ROOM, headers=link(url))).status_code == 201
    plain = (await city.get(f"/entities/{ROOM['id']}?options=keyValues")).json()
    assert plain["https://a.example/t"] == 21
    answer = await city.get(f"/entities/{ROOM['id']}?options=keyValues", headers=link(url))
    assert answer.json() == {"id": ROOM["id"], "type": "Room", "t": 21}
    assert answer.headers["link"] == link(url)["Link"]
    inside = await city.get(f"/entities/{ROOM['id']}", headers=link(url) | {"Accept": LD})
    assert inside.json()["@context"] == url
    assert "link" not in inside.headers
    listed = await city.get("/entities?type=Room", headers=link(url) | {"Accept": LD})
    assert [item["@context"] for item in listed.json()] == [url]
    assert web.asked == {"/c.jsonld": 1}


@pytest.mark.parametrize(
    ("headers", "body", "word"),
    [
        ({"Content-Type": "application/json"}, {**ROOM, "@context": CORE}, "@context"),
        ({"Content-Type": LD}, ROOM, "@context"),
        ({"Content-Type": LD, **link(CORE)}, {**ROOM, "@context": CORE}, "Link"),
        ({"Content-Type": LD}, {**ROOM, "@context": 5}, "@context"),
        ({"Content-Type": LD}, {**ROOM, "@context": {"t": 5}}, "'t'"),
        ({"Content-Type": LD}, {**ROOM, "@context": {"t": {"@id": "https://a.example/t", "@context": {}}}}, "scoped"),
        ({"Content-Type": LD}, {**ROOM, "@context": {"a": "b:x", "b": "a:x"}}, "itself"),
        ({"Content-Type": LD}, {**ROOM, "@context": {"t": "https://a.example/a b"}}, "not an IRI"),
        (
            {"Content-Type": LD},
            {**ROOM, "@context": {"t": {"@id": "https://a.example/t", "@container": "@foo"}}},
            "'t'",
        ),
        ({"Content-Type": LD}, {**ROOM, "@context": {"@type": "https://a.example/t"}}, "@type"),
        ({"Content-Type": LD}, {**ROOM, "@context": "ftp://a.example/c"}, "ftp"),
        ({"Content-Type": LD}, {**ROOM, "@context": "no url"}, "no url"),
        ({"Content-Type": LD}, {**ROOM, "@context": "http://["}, "http://["),
        ({"Content-Type": LD}, {**ROOM, "@context": [[[[[[[[[[[CORE]]]]]]]]]]]}, "deep"),
        ({"Content-Type": LD}, {**ROOM, "t": {"value": 1, "@context": {"x": "y:z"}}, "@context": CORE}, "@context"),
    ],
)
async def test_contexts_that_are_refused(
    city: httpx.AsyncClient, headers: dict[str, str], body: dict[str, Any], word: str
) -> None:
    answer = await city.post("/entities", content=orjson.dumps(body), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "BadRequestData"), answer.text
    assert word in answer.json()["detail"]


async def test_a_source_without_an_answer_is_504(city: httpx.AsyncClient, web: Source) -> None:
    gone = web.url("/c.jsonld").replace(str(web.port), "9")
    unknown = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-non-existing.jsonld"
    nameless = f"{ROOT}/ngsi-ld/v1{CONTEXTS}/%00"
    for url in (web.url("/none.jsonld"), gone, "http://nowhere.invalid/c.jsonld", unknown, nameless):
        answer = await city.get("/entities?type=Room", headers=link(url))
        assert (answer.status_code, answer.json()["type"]) == (504, ERRORS + "LdContextNotAvailable")
        assert "link" not in answer.headers
    assert await listed(city) == []


@pytest.mark.parametrize("host", ["xn--", "xn--a", "\u2603.example", "a\u200bb.example", "127.0.0.1:x"])
async def test_a_host_that_there_cannot_be_is_400(city: httpx.AsyncClient, web: Source, host: str) -> None:
    answer = await post_ld(city, "/entities", {**ROOM, "@context": f"http://{host}/c.jsonld"})
    assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "BadRequestData")
    web.pages["/away"] = Page(b"", 302, {"Location": "http://xn--a/c.jsonld"})
    assert (await city.get("/entities?type=Room", headers=link(web.url("/away")))).status_code == 504


@pytest.mark.parametrize(
    "page",
    [
        Page(b"<html>"),
        Page(b"{}"),
        Page(b"[]"),
        Page(b'{"@context": 5}'),
        Page(b'{"@context":"' + b"x" * 2**21),
        Page(b'{"@context": {"a": "b:x", "b": "a:y"}}'),
        Page(b'{"@context": {"T": "a b"}}'),
    ],
)
async def test_a_document_that_is_no_context_is_400_and_never_kept(
    city: httpx.AsyncClient, web: Source, page: Page
) -> None:
    web.pages["/c.jsonld"] = page
    for _ in range(2):
        answer = await city.get("/entities?type=Room", headers=link(web.url("/c.jsonld")))
        assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "BadRequestData")
    assert web.asked["/c.jsonld"] == 2
    assert await listed(city) == []
    web.put("/c.jsonld", TERMS)
    assert (await city.get("/entities?type=Room", headers=link(web.url("/c.jsonld")))).status_code == 200


async def test_a_batch_tells_each_entity_its_context_error(city: httpx.AsyncClient, web: Source) -> None:
    good, lost = web.put("/c.jsonld", TERMS), web.url("/none.jsonld")
    batch = [
        {**ROOM, "@context": good},
        {**ROOM, "id": "urn:x:2", "@context": lost},
        {**ROOM, "id": "urn:x:3"},
    ]
    answer = await post_ld(city, "/entityOperations/create", batch)
    assert answer.status_code == 207
    assert answer.json()["success"] == [ROOM["id"]]
    assert [item["error"]["type"] for item in answer.json()["errors"]] == [
        ERRORS + "LdContextNotAvailable",
        ERRORS + "BadRequestData",
    ]
    assert "link" not in answer.headers


# -- fetching: once, bounded, guarded


async def test_many_who_ask_at_once_cost_one_fetch(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS, delay=0.2)
    answers = await asyncio.gather(*(city.get("/entities?type=Room", headers=link(url)) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert web.asked == {"/c.jsonld": 1}


async def test_a_context_by_an_iri_is_linked_by_its_uri(city: httpx.AsyncClient, web: Source) -> None:
    url = web.put(quote("/日本.jsonld"), TERMS)
    body = {"type": "Query", "entities": [{"type": "Room"}], "@context": web.url("/日本.jsonld")}
    answer = await city.post("/entityOperations/query", content=orjson.dumps(body), headers={"Content-Type": LD})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Link"] == link(url)["Link"]


JSON_LD = "http://www.w3.org/ns/json-ld#context"
# ways clients write a Link, with the URL at {}, and whether it is taken for the @context
LINKS = {
    f'<{{}}>; rel="{JSON_LD}"; type="{LD}"': True,
    f"<{{}}>;rel={JSON_LD};type={LD}": True,
    f'<{{}}>; REL="{JSON_LD.upper()}"; Type="{LD}"': True,
    f'<{{}}>; type="{LD}"; rel="{JSON_LD}"': True,
    f'<{{}}; rel="{JSON_LD}"; type="{LD}"': True,
    f'<{{}}>; rel="{JSON_LD}; type="{LD}': True,
    f'{{}}; rel="{JSON_LD}"; type="{LD}"': True,
    f'<{{}}>; rel="{JSON_LD.replace("http:", "https:")}"': True,
    f'</next>; rel="next", <{{}}>; rel="{JSON_LD}"': True,
    f'<{{}}>; rel="alternate {JSON_LD}"': True,
    f'<{{}}>; type="{LD}"': True,
    "<{}>": True,
    "{}": True,
    '<{}>; rel="next"': False,
    '<{}>; rel="http://www.w3.org/ns/ldp#context"': False,
}


@pytest.mark.parametrize(("written", "taken"), LINKS.items())
async def test_how_clients_write_the_link(city: httpx.AsyncClient, web: Source, written: str, taken: bool) -> None:
    url = web.put("/c.jsonld", TERMS)
    await city.post("/entities", json=ROOM, headers={"Link": written.format(url)})
    told = (await city.get(f"/entities/{ROOM['id']}")).json()["type"]
    assert told == ("https://a.example/Room" if taken else "Room")


async def test_brokers_that_keep_the_same_new_context_at_the_same_moment(dsn: str) -> None:
    put, now = statements("contexts")["put"], datetime.now(UTC)
    async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
        for i in range(100):
            row = ("", f"urn:ngsi-ld:Context:{i}", "Cached", f"http://a.example/{i}", "{}", now, now)
            await asyncio.gather(*(pool.fetchval(put, *row) for _ in range(8)))
        assert await pool.fetchval("select count(*) from context") == 100


async def test_contexts_that_refer_to_others(city: httpx.AsyncClient, web: Source) -> None:
    web.put("/terms.jsonld", TERMS)
    url = web.put("/c.jsonld", ["terms.jsonld", {"Hall": "https://a.example/Hall"}, CORE])
    assert (await city.post("/entities", json=ROOM, headers=link(url))).status_code == 201
    assert (await city.get("/entities/urn:ngsi-ld:Room:1")).json()["type"] == "https://a.example/Room"
    loop = web.put("/loop.jsonld", ["loop.jsonld"])
    answer = await city.get("/entities?type=Room", headers=link(loop))
    assert answer.json()["type"] == ERRORS + "BadRequestData"
    for i in range(40):
        web.put(f"/many/{i}", {})
    answer = await post_ld(city, "/entities", {**ROOM, "@context": [web.url(f"/many/{i}") for i in range(40)]})
    assert answer.json()["type"] == ERRORS + "BadRequestData"


async def test_redirections_are_followed_three_times(city: httpx.AsyncClient, web: Source) -> None:
    web.put("/0", TERMS)
    for i in range(1, 5):
        web.pages[f"/{i}"] = Page(b"", 302, {"Location": f"/{i - 1}"})
    assert (await city.get("/entities?type=Room", headers=link(web.url("/3")))).status_code == 200
    assert (await city.get("/entities?type=Room", headers=link(web.url("/4")))).status_code == 504


ELSEWHERE = '</e1>; rel="alternate"; type="application/ld+json"'
# what a page that is not JSON says, and the status when its link is followed, once, or is not
PAGES = [
    ("text/html; charset=utf-8", ELSEWHERE, 200),
    ("text/html", f'</feed>; rel="alternate"; type="text/xml", {ELSEWHERE}', 200),
    ("text/html", "<e1>; TYPE=application/ld+json; REL=alternate", 200),
    ("text/html", '</e1>; rel="next"; type="application/ld+json"', 400),
    ("text/html", '</e1>; rel="alternate"; type="text/xml"', 400),
    ("text/html", "", 400),
    ("application/json", ELSEWHERE, 400),
    ("application/geo+json", ELSEWHERE, 400),
    ("text/html", ELSEWHERE.replace("e1", "none"), 504),
    ("text/html", ELSEWHERE.replace("e1", "page"), 400),
    ("text/html", ELSEWHERE.replace("/e1", "http://169.254.169.254/latest"), 504),
    ("text/html", ELSEWHERE.replace("/e1", "file:///etc/passwd"), 400),
]


@pytest.mark.parametrize(("media", "links", "status"), PAGES)
async def test_a_page_may_link_its_context(
    city: httpx.AsyncClient, web: Source, media: str, links: str, status: int
) -> None:
    web.put("/e1", TERMS)
    web.pages["/page"] = Page(b"<html>", headers={"Content-Type": media, "Link": links})
    answer = await city.get("/entities?type=Room", headers=link(web.url("/page")))
    assert answer.status_code == status, answer.text
    assert web.asked["/e1"] == (status == 200)
    assert web.asked["/page"] <= 2


async def test_the_network_behind_the_broker_is_out_of_reach(dsn: str, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    local = f"http://localhost:{web.port}/c.jsonld"
    async with broker(dsn, remote_allow="") as http:
        for each in (url, local, url.replace("127.0.0.1", "2130706433"), url.replace("127.0.0.1", "[::ffff:7f00:1]")):
            answer = await http.get("/entities?type=Room", headers=link(each))
            assert answer.status_code == 504
            assert "BROKER_REMOTE_ALLOW" in answer.json()["detail"]
    assert not web.asked
    web.pages["/away"] = Page(b"", 302, {"Location": "http://169.254.169.254/latest"})
    web.pages["/file"] = Page(b"", 302, {"Location": "file:///etc/passwd"})
    async with broker(dsn, remote_allow="localhost") as http:
        assert (await http.get("/entities?type=Room", headers=link(local))).status_code == 200
        assert web.hosts[-1] == f"localhost:{web.port}"
        assert (await http.get("/entities?type=Room", headers=link(local[:-8] + "away"))).status_code == 504
        assert (await http.get("/entities?type=Room", headers=link(local[:-8] + "file"))).status_code == 400


async def test_a_slow_source_is_given_up(dsn: str, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS, delay=3)
    async with broker(dsn, context_timeout=0.2) as http:
        assert (await http.get("/entities?type=Room", headers=link(url))).status_code == 504


async def test_a_restart_needs_no_source(dsn: str, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    async with broker(dsn) as http:
        await http.get("/entities?type=Room", headers=link(url))
    web.close()
    async with broker(dsn) as http:
        assert (await http.post("/entities", json=ROOM, headers=link(url))).status_code == 201
        assert (await http.get(f"/entities/{ROOM['id']}")).json()["type"] == "https://a.example/Room"


async def _expire(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("update context set expires_at = now() - interval '1 day'")
    await connection.close()


async def test_an_old_copy_is_renewed_and_kept_when_that_fails(dsn: str, web: Source) -> None:
    url = web.put("/c.jsonld", TERMS)
    asked = "/entities/urn:ngsi-ld:Room:1"
    async with broker(dsn) as http:
        await http.post("/entities", json=ROOM, headers=link(url))
    await _expire(dsn)
    for times, page in enumerate((Page(b"<html>"), Page(b'{"@context": {"T": "a b"}}')), 2):
        web.pages["/c.jsonld"] = page
        async with broker(dsn) as http:
            for _ in range(3):
                assert (await http.get(asked, headers=link(url))).json()["type"] == "Room"
            assert web.asked["/c.jsonld"] == times  # not asked again at once
        await _expire(dsn)
    web.put("/c.jsonld", {"Zimmer": "https://a.example/Room"})
    async with broker(dsn) as http:
        assert (await http.get(asked, headers=link(url))).json()["type"] == "Zimmer"


async def test_the_source_says_how_long_a_copy_lasts(city: httpx.AsyncClient, web: Source) -> None:
    said = {
        "/a": {"Cache-Control": "public, max-age=120"},
        "/b": {"Cache-Control": "no-cache"},
        "/c": {},
        "/d": {"Expires": format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)},
        "/e": {"Cache-Control": "max-age=60", "Expires": "Fri, 19 Jun 2026 03:55:00 GMT"},
        "/f": {"Expires": "0"},
        "/g": {"Cache-Control": "max-age=1000", "Age": "900"},
        "/h": {"Cache-Control": "max-age=1000", "Age": "2000"},
        "/i": {"Cache-Control": "s-maxage=200"},
        "/j": {"Cache-Control": "max-age=100, s-maxage=300", "Age": "later"},
        "/k": {"Age": "900"},
    }
    for path, headers in said.items():
        url = web.put(path, TERMS, headers=headers)
        await city.get("/entities?type=Room", headers=link(url))
    lasting = []
    for item in await listed(city):
        created, expires = (item[name].replace("Z", "+00:00") for name in ("createdAt", "expiresAt"))
        lasting.append(round(_seconds(expires) - _seconds(created), -1))
    assert lasting == [120, 10, 3600, 300, 60, 10, 100, 10, 200, 300, 3600]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
