"""Bodies: length, media type, size, compression, depth, numbers (GS CIM 009, 6.3.2, 6.3.4)."""

import gzip
import json
from typing import Any

import httpx
import orjson
import pytest

from broker.api.negotiation import JSON
from broker.api.operations import OPERATIONS

ROOT = "http://127.0.0.1:1026"
ID = "urn:ngsi-ld:Room:1"
ROOM = {"id": ID, "type": "Room", "name": "金沢"}
HOUSE = "https://uri.etsi.org/ngsi-ld/errors/"


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it.body], ids=lambda it: f"{it.method} {it.path}")
async def test_bodies_need_length_and_media_type(client: httpx.AsyncClient, operation: Any) -> None:
    """411 and 415 without a body, decided before the tenant is looked up (6.3.4)."""
    url = ROOT + operation.path.replace("{id}", ID).replace("{attr}", "t").replace("{no:int}", "1")
    unknown = {"NGSILD-Tenant": "nobody"}

    async def chunks() -> Any:
        yield b"{}"

    chunked = await client.request(operation.method, url, content=chunks(), headers=unknown | {"Content-Type": JSON})
    assert (chunked.status_code, chunked.content) == (411, b"")
    for media in ("text/plain", "", "application/jsonx"):
        answer = await client.request(operation.method, url, content=b"{}", headers=unknown | {"Content-Type": media})
        assert (answer.status_code, answer.content) == (415, b"")
    empty = await client.request(
        operation.method, url, content=b"", headers={"Content-Type": JSON, "Content-Length": "0"}
    )
    assert (empty.status_code, empty.json()["type"]) == (400, HOUSE + "InvalidRequest")
    merge = await client.request(
        operation.method, url, content=b"{", headers={"Content-Type": "application/merge-patch+json"}
    )
    assert merge.status_code == (400 if operation.method == "PATCH" else 415)


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", "InvalidRequest", "empty"),
        (b"{", "InvalidRequest", "not JSON"),
        (b"\xff", "InvalidRequest", "not JSON"),
        (b"{}", "InvalidRequest", "empty"),
        (b'{"a":"\\ud800"}', "InvalidRequest", "not JSON"),
        (b'{"a":NaN}', "InvalidRequest", "not JSON"),
        (b'{"a":"\\u0000"}', "BadRequestData", "U+0000"),
        (b'{"a":' * 51 + b"1" + b"}" * 51, "BadRequestData", "50"),
        (b"[" * 5000 + b"]" * 5000, None, ""),
    ],
)
async def test_bodies_that_are_none(client: httpx.AsyncClient, body: bytes, kind: str | None, word: str) -> None:
    answer = await client.post("/entities", content=body, headers={"Content-Type": JSON})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == JSON
    assert "link" not in answer.headers
    if kind:
        assert answer.json()["type"] == HOUSE + kind
        assert word in answer.json()["detail"]


async def test_large_bodies_are_refused(client: httpx.AsyncClient) -> None:
    body = b'{"a":"' + b"x" * (4 * 1024 * 1024) + b'"}'
    answer = await client.post("/entities", content=body, headers={"Content-Type": JSON})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


async def test_gzip_bodies_are_read_within_the_limit(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    text = orjson.dumps(ROOM)
    two_members = gzip.compress(text[:9]) + gzip.compress(text[9:])
    assert (await client.post("/entities", content=two_members, headers=headers)).status_code == 201
    assert (await client.get(f"/entities/{ID}")).json()["name"]["value"] == "金沢"
    bomb = gzip.compress(b'{"a":"' + b" " * 50_000_000 + b'"}')
    assert (await client.post("/entities", content=bomb, headers=headers)).status_code == 413
    for broken in (b"{}", gzip.compress(text)[:-9], gzip.compress(text) + b"trailing"):
        answer = await client.post("/entities", content=broken, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, HOUSE + "InvalidRequest")
    brotli = await client.post("/entities", content=b"{}", headers=headers | {"Content-Encoding": "br"})
    assert (brotli.status_code, brotli.headers["accept-encoding"]) == (415, "gzip")


async def test_large_answers_are_packed_for_those_who_ask(client: httpx.AsyncClient) -> None:
    await client.post("/entities", json=ROOM | {"text": "x" * 5000})
    plain = await client.get(f"/entities/{ID}", headers={"Accept-Encoding": "identity"})
    refused = await client.get(f"/entities/{ID}", headers={"Accept-Encoding": "gzip;q=0"})
    for answer in (plain, refused):
        assert "content-encoding" not in answer.headers
    packed = await client.get(f"/entities/{ID}", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"].split(", ")
    assert int(packed.headers["content-length"]) < 1000
    assert packed.json() == plain.json()
    small = await client.get(f"{ROOT}/version", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("18446744073709551615", 201),
        ("18446744073709551616", 400),
        ("-9223372036854775808", 201),
        ("-9223372036854775809", 400),
        ("1234567890" * 30, 400),
        ("1e20", 201),
        ("0.12345678901234567890123456789", 201),
        ('"1234567890123456789012345678901234567890"', 201),
    ],
)
async def test_an_integer_keeps_its_digits_or_is_refused(client: httpx.AsyncClient, number: str, status: int) -> None:
    content = f'{{"id":"{ID}","type":"Room","t":{{"value":[{{"x":{number}}}]}}}}'
    answer = await client.post("/entities", content=content, headers={"Content-Type": JSON})
    assert answer.status_code == status, answer.text
    if status == 201:
        found = (await client.get(f"/entities/{ID}?options=keyValues")).json()["t"][0]["x"]
        assert found == json.loads(number)
    else:
        assert answer.json()["type"] == HOUSE + "BadRequestData"
        assert number[:40] in answer.json()["detail"]
