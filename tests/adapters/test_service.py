"""The running service: sources come and go with their file, and tell what they did."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from adapters import service
from adapters.metrics import Metrics
from adapters.service import serve
from adapters.settings import AdapterSettings
from adapters.sources import read
from tests.adapters.conftest import until
from tests.adapters.recorder import Recorder, committed
from tests.adapters.test_demo import free_port

RAIN = '[[source]]\nname = "{0}"\nadapter = "rain_gauge"\n'
PUSH = '[[source]]\nname = "push"\nadapter = "eltres"\nvia = { transport = "webhook" }\n'
HEADER = "観測所名,観測日時,10分雨量\n"
FRAME = b'[{"deviceId": "0001234ABD", "sendDateTime": "%s", "payload": "85447D50000000000000000000000000"}]'

Write = Callable[[str], None]


@pytest.fixture
def settings(tmp_path: Path, recorder: Recorder) -> AdapterSettings:
    (tmp_path / "sources.toml").write_text(RAIN.format("rain"))
    return AdapterSettings(
        broker_url=recorder.url,
        data=tmp_path,
        sources=tmp_path / "sources.toml",
        webhook_port=free_port(),
        metrics_port=free_port(),
        spool_after=0.2,
    )


@pytest.fixture
async def running(settings: AdapterSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Write]:
    monkeypatch.setattr(service, "LOOK", 0.05)
    task = asyncio.create_task(serve(settings, read(settings), lambda: read(settings)))
    await until((settings.data / "inbox/rain").exists)
    assert settings.sources is not None
    yield settings.sources.write_text
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def drop(settings: AdapterSettings, source: str, *stations: str) -> None:
    rows = "".join(f"{station},2026/06/19 12:40,1.5\n" for station in stations)
    (settings.data / "inbox" / source / f"{time.monotonic_ns()}.csv").write_text(HEADER + rows)


def names(recorder: Recorder) -> set[str]:
    return {entity["name"]["value"] for entity in recorder.of_type("WeatherObserved") if "name" in entity}


async def test_a_source_comes_with_the_file_and_goes_with_it(
    running: Write, settings: AdapterSettings, recorder: Recorder
) -> None:
    running(RAIN.format("rain") + RAIN.format("second"))
    await until((settings.data / "inbox/second").exists)
    drop(settings, "second", "城南")
    await until(lambda: names(recorder) == {"城南"})
    running(RAIN.format("second"))
    await asyncio.sleep(0.3)
    drop(settings, "rain", "駅西")
    await asyncio.sleep(2.5)
    assert names(recorder) == {"城南"}  # nobody watches the first folder any more


async def test_a_mistake_in_the_file_changes_nothing(
    running: Write, settings: AdapterSettings, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    running("[[source]\n")
    await until(lambda: "stay as they are" in caplog.text)
    drop(settings, "rain", "城南")
    await until(lambda: names(recorder) == {"城南"})


async def test_a_hangup_reads_the_tables_again(running: Write, settings: AdapterSettings, recorder: Recorder) -> None:
    table = settings.data / "stations.csv"
    table.write_text("code,name,latitude,longitude\na,城南,36.5,136.6\n")
    running(RAIN.format("rain") + f'settings = {{ stations = "{table}" }}\n')

    async def told(station: str) -> None:
        """Drops rows of `station` until the source knows it: it may be starting anew just now."""
        while station not in names(recorder):
            drop(settings, "rain", station)
            await asyncio.sleep(0.5)

    async with asyncio.timeout(30):
        await told("城南")
        table.write_text("code,name,latitude,longitude\nb,新しい所,36.5,136.6\n")
        os.kill(os.getpid(), signal.SIGHUP)
        await told("新しい所")


async def test_no_push_is_lost_while_sources_are_reloaded(
    running: Write, settings: AdapterSettings, recorder: Recorder
) -> None:
    url, answers = f"http://127.0.0.1:{settings.webhook_port}/push/push", []
    running(RAIN.format("rain") + PUSH)

    async def send(client: httpx.AsyncClient, number: int) -> None:
        body = FRAME % f"2026-06-19 {number // 60:02}:{number % 60:02}:00".encode()
        for _ in range(100):
            try:
                answer = await client.post(url, content=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.is_success:
                answers.append(answer.status_code)
                return
            await asyncio.sleep(0.05)

    async with httpx.AsyncClient(timeout=15) as client:
        for number in range(60):
            if number == 30:  # the broker is away while the sources change
                recorder.answer = lambda entities: Response(status_code=503)
            if number % 10 == 0:
                running(RAIN.format("rain") + PUSH + f'owner = "{number}"\n')
            await send(client, number)
        recorder.answer = committed
    assert len(answers) == 60
    assert 202 in answers  # some had to wait on disk

    def arrived() -> set[str]:
        return {entity["dateLastValueReported"]["value"] for entity in recorder.of_type("Device")}

    await until(lambda: len(arrived()) == 60, 20)


async def test_metrics_are_told_per_source(running: Write, settings: AdapterSettings, recorder: Recorder) -> None:
    drop(settings, "rain", "城南", "駅西", "どこにもない")
    await until(lambda: len(names(recorder)) == 2)
    await until(lambda: recorder.quarantine)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{settings.metrics_port}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert told['yukitsuri_source_received_total{source="rain"}'] == "1"
    assert told['yukitsuri_source_decoded_total{source="rain"}'] == "2"
    assert told['yukitsuri_source_delivered_total{source="rain"}'] == "2"
    assert told['yukitsuri_source_quarantined_total{source="rain"}'] == "1"
    assert told['yukitsuri_source_waiting{source="rain"}'] == "0"
    assert "# TYPE yukitsuri_source_lag_seconds gauge" in answer.text


async def test_what_was_set_aside_is_replayed_over_http(
    running: Write, settings: AdapterSettings, recorder: Recorder
) -> None:
    drop(settings, "rain", "どこにもない")
    await until(lambda: recorder.quarantine)
    url = f"http://127.0.0.1:{settings.metrics_port}/quarantine"
    async with httpx.AsyncClient() as client:
        still = await client.post(f"{url}/1/replay")
        assert (still.status_code, still.json()["title"]) == (409, "Not replayed")
        assert (await client.post(f"{url}/9/replay")).status_code == 404
        table = settings.data / "stations.csv"
        table.write_text("code,name,latitude,longitude\na,どこにもない,36.5,136.6\n")
        running(RAIN.format("rain") + f'settings = {{ stations = "{table}" }}\n')
        done = await client.post(f"{url}/1/replay")
    assert (done.status_code, done.json()["detail"]) == (200, "record 1: 1 entities stored")
    assert names(recorder) == {"どこにもない"}
    assert recorder.replayed == [1]


async def test_a_replay_while_the_broker_is_away_says_so(settings: AdapterSettings) -> None:
    gone = settings.model_copy(update={"broker_url": f"http://127.0.0.1:{free_port()}"})
    app = service._admin_app(gone, Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as client:
        answer = await client.post("/quarantine/1/replay")
    assert (answer.status_code, answer.json()["title"]) == (502, "No answer of the broker")
