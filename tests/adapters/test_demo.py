"""The demo feed end to end: real MQTT, push, polling and folders, until every type is there; twice changes nothing."""

import asyncio
import socket
from pathlib import Path

import pytest

from adapters.demo.feed import feed
from adapters.demo.files import RECORDED, RECORDINGS, chunks
from adapters.demo.gbfs_server import documents
from adapters.service import serve
from adapters.settings import AdapterSettings
from adapters.sources import read
from tests.adapters.conftest import Mosquitto, until
from tests.adapters.recorder import Recorder

TYPES = {
    *("AirQualityObserved", "WeatherObserved", "BikeHireDockingStation", "Vehicle", "CrowdFlowObserved", "Device"),
    *("FloodMonitoring", "GtfsStop", "GtfsRoute", "GtfsAgency", "WifiPointOfInterest"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


@pytest.fixture
def settings(tmp_path: Path, recorder: Recorder, mosquitto: Mosquitto) -> AdapterSettings:
    return AdapterSettings(
        broker_url=recorder.url,
        mqtt_url=mosquitto.url,
        data=tmp_path,
        webhook_port=free_port(),
        demo_port=free_port(),
        metrics_port=free_port(),
    )


async def test_every_type_is_there_within_twenty_seconds(settings: AdapterSettings, recorder: Recorder) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(serve(settings, read(settings))), group.create_task(feed(settings))]
        await until(lambda: {entity["type"] for entity in recorder.stored} >= TYPES, 20)
        await until(lambda: len(recorder.of_type("BikeHireDockingStation")) >= 1214 + 4, 20)
        await until(lambda: any("wifi-sensing" in entity["id"] for entity in recorder.stored), 20)
        for task in tasks:
            task.cancel()
    names = {entity["name"]["value"] for entity in recorder.stored if "name" in entity}
    assert {"三馬", "金沢", "近江町市場", "金沢21世紀美術館", "駅西"} <= names
    # The real timetable's calendar is doubtful, and says so.
    assert {each["source"] for each in recorder.quarantine} == {"flatbus"}
    assert all("calendar.txt" in each["reason"] for each in recorder.quarantine)
    assert any("lorawan" in each["id"] for each in recorder.of_type("Device"))
    docomo = [each for each in recorder.of_type("BikeHireDockingStation") if "docomo" in each["id"]]
    assert not [each for each in docomo if "availableBikeNumber" in each]  # none was recorded
    assert "KNZ" not in str(recorder.stored)


async def test_a_taken_port_stops_pushes_only(settings: AdapterSettings, recorder: Recorder) -> None:
    with socket.create_server(("127.0.0.1", settings.webhook_port)):
        task = asyncio.create_task(serve(settings, read(settings)))
        inbox = settings.data / "inbox/people-count"
        await until(inbox.exists)
        (inbox / "area1_m5.csv").write_bytes(RECORDED.joinpath("area1_m5.csv").read_bytes()[:200])
        await until(lambda: recorder.of_type("CrowdFlowObserved"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_recordings_are_small_and_named_with_their_licence() -> None:
    told = RECORDED.joinpath("SOURCES.md").read_text()
    files = [path for path in Path(str(RECORDED)).rglob("*") if path.is_file()]
    assert all(path.stat().st_size < 1 << 20 for path in files)
    assert all(recording.data in told for recording in RECORDINGS)


def test_a_recording_in_parts_is_the_whole_recording() -> None:
    recording = next(each for each in RECORDINGS if each.rows)
    lines = RECORDED.joinpath(recording.data).read_bytes().splitlines(keepends=True)
    parts, found = chunks(recording), []
    while len(found) < len(lines) - 1:
        head, *body = next(parts).splitlines(keepends=True)
        assert head == lines[0]
        found += body
    assert found == lines[1:]
    assert next(parts).splitlines()[1] == lines[1].rstrip()  # and then again from the start


def test_discovery_points_to_documents_that_exist() -> None:
    pages = documents("http://demo")
    assert all(f"{system}/station_information.json" in pages for system in ("docomo", "mobilitydata"))
    assert b"http://demo/docomo/station_information.json" in pages["docomo/gbfs.json"]
