"""Whatever is sent, the answer is 2xx or 4xx: JSON-LD of every sort, and the whole of the own OpenAPI document."""

import importlib.util
import os
import random
import subprocess
import sys
from typing import Any

import httpx
import orjson
import pytest

from deploy.ports import next_free

LD = "application/ld+json"
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
KEYS = [
    *("id", "@id", "type", "@type", "@context", "@value", "@list", "@graph", "@reverse", "@none", "@set", "@language"),
    *("value", "object", "languageMap", "json", "vocab", "valueList", "objectList", "datasetId", "observedAt", "scope"),
    *("expiresAt", "unitCode", "location", "t", "気温", "a:t", "ID", "", " ", "in(valid", "https://a.example/t", "_:b"),
]
LEAVES: list[Any] = [
    *(None, True, 0, -1, 1e308, 2**53 - 1, 1.222e-11, "", " ", "x", "urn:ngsi-ld:null", "urn:x:1", "@none", "Property"),
    *("Relationship", "GeoProperty", "2026-06-19T03:50:00Z", CORE, "http://[", "\u200b", "a" * 3000, "Room", "金沢"),
    *({}, [], [[]], {"type": "Point", "coordinates": [136.6, 36.5]}, {"type": "Point", "coordinates": [1e400, "x"]}),
]
TERMS: list[Any] = [
    "https://a.example/t",
    "a:t",
    "@id",
    "@type",
    "t",
    "",
    None,
    5,
    {"@id": None},
    {"@id": "a:"},
    {"@context": {}},
]


def anything(dice: random.Random, depth: int = 0) -> Any:
    roll = dice.random()
    if depth > 4 or roll < 0.45:
        return dice.choice(LEAVES)
    if roll < 0.6:
        return [anything(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    return {dice.choice(KEYS): anything(dice, depth + 1) for _ in range(dice.randint(0, 4))}


def context(dice: random.Random) -> Any:
    terms = {
        dice.choice([*KEYS, "a", "@vocab", "@base", "@import"]): dice.choice(TERMS) for _ in range(dice.randint(0, 4))
    }
    return dice.choice([terms, [terms, CORE], CORE, [None, terms], anything(dice)])


def body(dice: random.Random) -> Any:
    entity = {"id": "urn:x:1", "type": "Room", "@context": context(dice)}
    entity |= {dice.choice(KEYS): anything(dice) for _ in range(dice.randint(0, 3))}
    return dice.choice([entity, entity, [entity, anything(dice)], anything(dice)])


@pytest.mark.parametrize("seed", range(4))
async def test_any_json_ld_is_taken_or_refused(client: httpx.AsyncClient, seed: int) -> None:
    dice = random.Random(seed)
    writes = [
        ("POST", "/entities"),
        ("PUT", "/entities/urn:x:1"),
        ("PATCH", "/entities/urn:x:1"),
        ("POST", "/entities/urn:x:1/attrs"),
        ("PATCH", "/entities/urn:x:1/attrs"),
        ("PATCH", "/entities/urn:x:1/attrs/t"),
        ("PUT", "/entities/urn:x:1/attrs/t"),
        ("POST", "/entityOperations/create"),
        ("POST", "/entityOperations/upsert"),
        ("POST", "/entityOperations/merge"),
        ("POST", "/entityOperations/query"),
        ("POST", "/temporal/entities"),
        ("POST", "/subscriptions"),
        ("POST", "/jsonldContexts"),
    ]
    taken = 0
    for _ in range(250):
        (method, path), content = dice.choice(writes), body(dice)
        headers = {"Content-Type": dice.choice([LD, LD, LD, "application/json"])}
        answer = await client.request(method, path, content=orjson.dumps(content), headers=headers)
        assert answer.status_code < 500 or answer.status_code == 504, (method, path, content, answer.text)
        if answer.status_code < 300:
            taken += 1
            for shown in ("/entities?local=true", "/types?details=true", "/jsonldContexts?details=true"):
                told = await client.get(shown, headers={"Accept": LD})
                assert told.status_code == 200, (method, path, content, told.text)
    assert taken > 10  # it is not all nonsense


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_the_openapi_document_leads_to_no_server_error(dsn: str) -> None:
    """Generated requests for every operation, against a served broker."""
    port = next_free(12_026)
    environment = {**os.environ, "BROKER_DATABASE_URL": dsn, "BROKER_PORT": str(port)}
    serving = subprocess.Popen([sys.executable, "-m", "deploy.cli", "serve"], env=environment)
    try:
        transport = httpx.HTTPTransport(retries=10)
        httpx.Client(transport=transport).get(f"http://127.0.0.1:{port}/ready")
        told = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json"),
                *("--checks", "not_a_server_error", "--phases", "fuzzing", "--max-examples", "8", "--seed", "1"),
                # the stream never ends; how fast requests are generated is not the question
                *("--exclude-path-regex", "stream", "--suppress-health-check", "all", "--no-color"),
            ],
            capture_output=True,
            text=True,
        )
    finally:
        serving.terminate()
        serving.wait()
    assert told.returncode == 0, told.stdout[-4000:]
