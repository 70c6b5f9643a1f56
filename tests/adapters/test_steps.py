"""Documents whose URL holds a time: real HTTP, a server that publishes step by step."""

import asyncio
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from adapters.contract import DecodeError, Message, Outcome
from adapters.sources import SourceFile
from adapters.transports.poll import PollSettings, follow
from adapters.transports.steps import Rhythm, Steps, told_time
from tests.adapters.recorder import serving

JST = timezone(timedelta(hours=9))
TEN = Rhythm(600, JST)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST)


class Office:
    """Publishes a document every ten minutes and says which is its latest."""

    def __init__(self) -> None:
        self.latest, self.there, self.asked = "2026-06-19T12:50:00+09:00", set[str](), list[str]()
        self.missing_status, self.version = 404, 1
        self.url = ""
        self.app = Starlette(
            routes=[Route("/latest_time.txt", self._latest), Route("/map/{name}.json", self._map)],
        )

    async def _latest(self, request: Request) -> Response:
        return PlainTextResponse(self.latest)

    async def _map(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(name)
        if name not in self.there:
            return Response("<html>nothing here</html>", self.missing_status)
        etag = f'"{self.version}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304)
        return Response(f'{{"of":"{name}","version":{self.version}}}', headers={"ETag": etag})


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    with serving(office.app) as port:
        office.url = f"http://127.0.0.1:{port}"
        yield office


def settings(office: Office, **changes: object) -> PollSettings:
    told = {
        "urls": {"map": f"{office.url}/map/{{time:%Y%m%d%H%M}}00.json"},
        "latest": f"{office.url}/latest_time.txt",
        "step": 600,
        "every": 0.05,
        "jitter": 0,
    }
    return PollSettings.model_validate(told | changes)


class Reader:
    """Follows the office and settles what it reads."""

    def __init__(self, settings: PollSettings, state: Path | None = None, settles: bool = True) -> None:
        self.found: list[Message] = []
        self._settles = settles
        self._task = asyncio.create_task(self._read(settings, state))

    async def _read(self, settings: PollSettings, state: Path | None) -> None:
        async for message in follow(settings, state):
            if self._settles:
                await message.settle(Outcome.COMMITTED)
            self.found.append(message)

    @property
    def topics(self) -> list[str]:
        return [message.topic for message in self.found]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.found) < count:  # noqa: ASYNC110 (what is waited for wakes nobody)
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def test_each_step_is_read_once_and_its_path_is_the_topic(office: Office) -> None:
    office.there = {"20260619125000", "20260619130000"}
    reader = Reader(settings(office))
    await reader.until(1)
    office.latest = "2026-06-19T13:00:00+09:00"
    await reader.until(2)
    await asyncio.sleep(0.3)
    await reader.stop()
    assert reader.topics == ["/map/20260619125000.json", "/map/20260619130000.json"]
    assert office.asked == ["20260619125000", "20260619130000"]


async def test_steps_missed_in_a_pause_are_caught_up_in_order_but_not_without_bound(
    office: Office, tmp_path: Path
) -> None:
    office.there = {f"202606191{hour}{minute}000" for hour in range(10) for minute in range(6)}
    first = Reader(settings(office, catch_up=3), tmp_path)
    await first.until(1)
    await first.stop()
    office.latest = "2026-06-19T13:20:00+09:00"
    second = Reader(settings(office, catch_up=3), tmp_path)
    await second.until(3)
    await second.stop()
    office.latest = "2026-06-19T14:20:00+09:00"
    third = Reader(settings(office, catch_up=3), tmp_path)
    await third.until(3)
    await third.stop()
    times = [topic[-11:-7] for reader in (first, second, third) for topic in reader.topics]
    assert times == ["1250", "1300", "1310", "1320", "1400", "1410", "1420"]


async def test_a_step_that_was_not_stored_comes_again_after_a_restart(office: Office, tmp_path: Path) -> None:
    office.there = {"20260619125000"}
    lost = Reader(settings(office), tmp_path, settles=False)
    await lost.until(1)
    await lost.stop()
    again = Reader(settings(office), tmp_path)
    await again.until(1)
    await again.stop()
    assert again.topics == ["/map/20260619125000.json"]


@pytest.mark.parametrize("status", [404, 200])
async def test_a_document_that_is_not_there_yet_is_waited_for_and_holds_up_no_other(
    office: Office, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.transports.poll.delays", lambda first, longest: iter(lambda: 0.05, None))
    office.missing_status, office.there = status, {"20260619130000"}
    reader = Reader(settings(office, begins="{"))
    async with asyncio.timeout(10):
        while len(office.asked) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    office.latest = "2026-06-19T13:00:00+09:00"
    await reader.until(1)
    office.there.add("20260619125000")
    await reader.until(2)
    await reader.stop()
    assert reader.topics == ["/map/20260619130000.json", "/map/20260619125000.json"]


async def test_the_last_steps_are_looked_at_again_for_corrections(office: Office) -> None:
    office.there = {"20260619125000", "20260619124000"}
    reader = Reader(settings(office, again=1))
    await reader.until(2)
    await asyncio.sleep(0.2)
    assert len(reader.found) == 2, "unchanged"
    office.version = 2
    await reader.until(4)
    await reader.stop()
    assert [message.body[-2:] for message in reader.found] == [b"1}", b"1}", b"2}", b"2}"]


async def test_without_a_server_that_knows_the_clock_decides(office: Office) -> None:
    reader = Reader(settings(office, latest="", delay=300))
    async with asyncio.timeout(10):
        while not office.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await reader.stop()
    due = TEN.last(datetime.now(UTC) - timedelta(seconds=300)).astimezone(JST)
    assert office.asked[0] in (f"{due:%Y%m%d%H%M}00", f"{due - timedelta(minutes=10):%Y%m%d%H%M}00")


def test_a_template_needs_a_step() -> None:
    with pytest.raises(ValueError, match="step"):
        PollSettings.model_validate({"urls": {"map": "http://x/{time:%H}.json"}})


def test_midnight_may_be_the_last_hour_of_the_day_before() -> None:
    hours = Rhythm(3600, JST, midnight_24=True)
    template = "http://x/{time:%Y/%m/%d/%H}.csv"
    assert hours.url(template, at("2026-07-01T00:00")) == "http://x/2026/06/30/24.csv"
    assert hours.url(template, at("2026-07-01T01:00")) == "http://x/2026/07/01/01.csv"


def test_steps_count_from_midnight_of_the_zone() -> None:
    assert Rhythm(86400, JST).last(at("2026-06-19T08:59")) == at("2026-06-19T00:00")
    assert TEN.last(at("2026-06-19T12:59:59")) == at("2026-06-19T12:50")


def test_steps_that_never_come_are_given_up() -> None:
    steps = Steps(TEN, bound=2)
    for minute in (10, 20, 30, 40):
        steps.advance(at(f"2026-06-19T12:{minute}"))
    assert steps.wanted == [at("2026-06-19T12:30"), at("2026-06-19T12:40")]


@pytest.mark.parametrize(
    "body", ["2026-06-19T12:50:00+09:00\n", '{"crntObsTime": "2026/06/19 12:50"}', '\ufeff"2026-06-19 12:50"']
)
def test_what_a_server_calls_its_latest(body: str) -> None:
    assert told_time(body.encode(), JST) == at("2026-06-19T12:50")


def test_a_page_is_no_time() -> None:
    with pytest.raises(DecodeError, match="holds no time"):
        told_time(b"<html>", JST)


def test_the_sources_the_readme_shows_can_be_declared() -> None:
    shown = re.search(r"## Polling.*?```toml\n(.*?)```", Path("adapters/README.md").read_text(), re.S)
    assert shown is not None
    for source in SourceFile.model_validate(tomllib.loads(shown[1])).source:
        assert PollSettings.model_validate(source.via).step
