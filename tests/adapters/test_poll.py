"""Polling: conditional requests, discovery, ttl, servers that fail."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.contract import Message, Outcome
from adapters.transports.poll import PollSettings, follow
from tests.adapters.recorder import serving


class City:
    """A GBFS server whose document can change, vanish or be nonsense."""

    def __init__(self) -> None:
        self.version, self.status, self.asked, self.unchanged = 1, 200, 0, 0
        self.url = ""
        self.app = Starlette(routes=[Route("/gbfs.json", self._discovery), Route("/status", self._document)])

    async def _discovery(self, request: Request) -> Response:
        feeds = [{"name": "station_status", "url": f"{self.url}/status"}, {"name": "other", "url": f"{self.url}/no"}]
        return JSONResponse({"last_updated": 1, "data": {"ja": {"feeds": feeds}}})

    async def _document(self, request: Request) -> Response:
        self.asked += 1
        etag = f'"{self.version}"'
        if request.headers.get("if-none-match") == etag:
            self.unchanged += 1
            return Response(status_code=304)
        return JSONResponse({"version": self.version}, self.status, {"ETag": etag})


@pytest.fixture
def city() -> Iterator[City]:
    city = City()
    with serving(city.app) as port:
        city.url = f"http://127.0.0.1:{port}"
        yield city


def settings(city: City, **changes: object) -> PollSettings:
    return PollSettings.model_validate({"discovery": f"{city.url}/gbfs.json", "every": 0.05} | changes)


async def take(settings: PollSettings, seconds: float, outcome: Outcome | None = Outcome.COMMITTED) -> list[Message]:
    found: list[Message] = []
    try:
        async with asyncio.timeout(seconds):
            async for message in follow(settings):
                found.append(message)
                if outcome is not None:
                    await message.settle(outcome)
    except TimeoutError:
        pass
    return found


async def test_an_unchanged_document_is_read_once(city: City, caplog: pytest.LogCaptureFixture) -> None:
    found = await take(settings(city), 0.8)
    assert [(message.topic, message.body) for message in found] == [("station_status", b'{"version":1}')]
    assert city.unchanged > 2
    assert caplog.text.count("names no station_information") == 1  # said once, though read at every look


async def test_a_changed_document_is_read_again(city: City) -> None:
    task = asyncio.create_task(take(settings(city), 0.8))
    await asyncio.sleep(0.3)
    city.version = 2
    assert [message.body for message in await task] == [b'{"version":1}', b'{"version":2}']


async def test_a_document_that_was_not_stored_is_not_skipped(city: City) -> None:
    assert len(await take(settings(city), 0.5, outcome=None)) > 2
    assert city.unchanged == 0


async def test_a_failing_server_is_asked_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.transports.poll.delays", lambda first, longest: iter(lambda: 0.05, None))
    city.status = 500
    task = asyncio.create_task(take(settings(city), 1.0))
    await asyncio.sleep(0.4)
    assert city.asked > 2
    city.status = 200
    assert len(await task) == 1


async def test_a_document_too_large_is_not_read(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.transports.poll.delays", lambda first, longest: iter(lambda: 0.05, None))
    assert await take(settings(city, max_bytes=5), 0.4) == []
    assert city.asked > 1
