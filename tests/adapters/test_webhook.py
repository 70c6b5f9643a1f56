"""HTTP push: what the sender hears, and when."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest
from starlette.responses import Response

from adapters.delivery import Broker, Source
from adapters.registry import load
from adapters.runner import pump
from adapters.transports.webhook import WebhookServer, WebhookSettings
from tests.adapters.recorder import Recorder

FRAME = {"deviceId": "0001234ABC", "sendDateTime": "2026-06-19 12:47:38", "payload": "8241BC00004274000044190000000000"}


@asynccontextmanager
async def door(broker: Broker, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the push server with one ELTRES source behind it."""
    server, adapter = WebhookServer(), load("eltres")
    via = WebhookSettings.model_validate({"path": "eltres"} | settings)
    decode = adapter.decoder(adapter.settings(), str)
    source = Source("eltres-push", adapter, lambda: server.receive(via, "eltres-push"), decode)
    task = asyncio.create_task(pump(source, broker))
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://push") as client:
        yield client
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_204_means_that_the_broker_has_it(broker: Broker, recorder: Recorder) -> None:
    async with door(broker) as client:
        response = await client.post("/push/eltres", json=FRAME)
        assert response.status_code == 204
        assert [entity["type"] for entity in recorder.stored] == ["Device", "AirQualityObserved"]
        assert recorder.stored[1]["dateObserved"]["value"] == "2026-06-19T03:47:38Z"


async def test_202_means_that_it_is_set_aside(broker: Broker, recorder: Recorder) -> None:
    async with door(broker) as client:
        assert (await client.post("/push/eltres", content=b"what?")).status_code == 202
        assert recorder.raw(0) == b"what?"


async def test_503_while_the_broker_is_away(broker: Broker, recorder: Recorder) -> None:
    recorder.answer = lambda entities: Response(status_code=503)
    async with door(broker, patience=0.2) as client:
        response = await client.post("/push/eltres", json=FRAME)
        assert (response.status_code, response.headers["retry-after"]) == (503, "30")


async def test_a_source_with_a_token_asks_for_it(
    broker: Broker, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_TOKEN", "open sesame")
    async with door(broker, token_env="PUSH_TOKEN") as client:
        for wrong in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer open sesam"},
            {"Authorization": b"\xe9"},
        ):
            assert (await client.post("/push/eltres", json=FRAME, headers=wrong)).status_code == 401
        assert recorder.requests == []
        right = {"Authorization": "Bearer open sesame"}
        assert (await client.post("/push/eltres", json=FRAME, headers=right)).status_code == 204


async def test_a_signed_body_is_taken_and_no_other(broker: Broker, recorder: Recorder) -> None:
    body = orjson.dumps(FRAME)
    right = {"X-Signature": hmac.new(b"key", body, "sha256").hexdigest()}
    async with door(broker, signature="key") as client:
        assert (await client.post("/push/eltres", content=body + b" ", headers=right)).status_code == 401
        assert (await client.post("/push/eltres", content=body)).status_code == 401
        assert recorder.requests == []
        assert (await client.post("/push/eltres", content=body, headers=right)).status_code == 204


async def test_a_token_may_have_a_header_of_its_own(broker: Broker, recorder: Recorder) -> None:
    async with door(broker, token="t", token_header="X-Downlink-Apikey") as client:
        assert (await client.post("/push/eltres", json=FRAME, headers={"Authorization": "Bearer t"})).status_code == 401
        assert (await client.post("/push/eltres", json=FRAME, headers={"X-Downlink-Apikey": "t"})).status_code == 204


async def test_a_declared_token_that_is_missing_is_a_mistake() -> None:
    messages = WebhookServer().receive(WebhookSettings(token_env="NO_SUCH_TOKEN"), "s")
    with pytest.raises(LookupError, match="NO_SUCH_TOKEN"):
        await anext(messages)


async def test_one_that_ends_late_does_not_close_the_box_of_its_successor() -> None:
    server, via = WebhookServer(), WebhookSettings(patience=0.05)
    before, after = server.receive(via, "s"), server.receive(via, "s")
    waiting = [asyncio.create_task(anext(each)) for each in (before, after)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://push") as client:
        assert (await client.post("/push/s", content=b"heard")).status_code == 503  # nobody settles it, but it is here
    assert (await waiting[1]).body == b"heard"


@pytest.mark.parametrize(("path", "size", "status"), [("other", 10, 404), ("eltres", 2000, 413)])
async def test_refused_at_the_door(broker: Broker, recorder: Recorder, path: str, size: int, status: int) -> None:
    async with door(broker, max_bytes=1000) as client:
        assert (await client.post(f"/push/{path}", content=b"x" * size)).status_code == status
        assert recorder.requests == []


async def test_a_controller_is_told_the_agreed_word(broker: Broker, recorder: Recorder) -> None:
    async with door(broker, validator="agreed") as client:
        assert (await client.get("/push/eltres")).text == "agreed"
        assert (await client.get("/push/other")).status_code == 404
    async with door(broker) as client:
        assert (await client.get("/push/eltres")).status_code == 404
