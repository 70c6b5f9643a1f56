"""MQTT with a real Mosquitto: acknowledged after the commit, kept while we or the broker are away."""

import asyncio
import uuid

import aiomqtt
import pytest
from starlette.responses import Response

from adapters.delivery import Broker, Source
from adapters.registry import load
from adapters.runner import pump
from adapters.transports.mqtt import MqttSettings, connection, subscribe
from tests.adapters.conftest import Mosquitto, until
from tests.adapters.recorder import Recorder, committed
from tests.stopping import stops_when_asked

FRAME = "8241BC00004274000044190000000000"


def eltres(url: str, client_id: str, topic: str = "eltres/+") -> Source:
    adapter = load("eltres")
    decode = adapter.decoder(adapter.settings(), str)
    return Source("eltres", adapter, lambda: subscribe(MqttSettings(topic=topic), url, client_id), decode)


async def publish(mosquitto: Mosquitto, *frames: str, terminal: str = "0001234ABC") -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for frame in frames:
            await client.publish(f"eltres/{terminal}", frame, qos=1)


@pytest.fixture
def client_id() -> str:
    return f"test-{uuid.uuid4()}"


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def running(source: Source, broker: Broker, recorder: Recorder, mosquitto: Mosquitto) -> asyncio.Task[None]:
    """The source, once its subscription is known to be in force."""
    task = asyncio.create_task(pump(source, broker))
    async with asyncio.timeout(10):
        while not recorder.requests:
            await publish(mosquitto, FRAME)
            await asyncio.sleep(0.1)
    return task


async def test_a_frame_becomes_a_device_and_what_it_observed(
    mosquitto: Mosquitto, broker: Broker, recorder: Recorder, client_id: str
) -> None:
    task = await running(eltres(mosquitto.url, client_id), broker, recorder, mosquitto)
    await until(lambda: recorder.of_type("AirQualityObserved"))
    air = recorder.of_type("AirQualityObserved")[0]
    assert air["id"] == "urn:ngsi-ld:AirQualityObserved:eltres:0001234ABC"
    assert (air["temperature"]["value"], air["relativeHumidity"]["value"], air["co2"]["value"]) == (23.5, 0.61, 612.0)
    assert recorder.of_type("Device")[0]["id"] == "urn:ngsi-ld:Device:eltres:0001234ABC"
    await publish(mosquitto, FRAME, terminal="00FFFFFFFF")
    await until(lambda: recorder.quarantine)
    assert recorder.quarantine[0]["reason"] == "deviceId: '00FFFFFFFF' is not in the device table"
    await stop(task)


async def test_what_was_not_committed_is_sent_again(
    mosquitto: Mosquitto, broker: Broker, recorder: Recorder, client_id: str
) -> None:
    task = await running(eltres(mosquitto.url, client_id), broker, recorder, mosquitto)
    recorder.answer = lambda entities: Response(status_code=503)
    await asyncio.sleep(0.1)
    asked = len(recorder.requests)
    await publish(mosquitto, "85447D50000000000000000000000000", terminal="0001234ABD")
    await until(lambda: len(recorder.requests) > asked)  # it arrived, and the broker did not take it
    await stop(task)
    recorder.answer = committed
    assert not recorder.of_type("WeatherObserved")
    task = asyncio.create_task(pump(eltres(mosquitto.url, client_id), broker))
    await until(lambda: recorder.of_type("WeatherObserved"))
    assert recorder.of_type("WeatherObserved")[0]["atmosphericPressure"]["value"] == 1013.25
    await stop(task)


async def test_what_comes_while_we_are_away_is_kept_and_comes_once(
    mosquitto: Mosquitto, broker: Broker, recorder: Recorder, client_id: str
) -> None:
    task = await running(eltres(mosquitto.url, client_id), broker, recorder, mosquitto)
    await asyncio.sleep(0.3)
    await stop(task)
    recorder.stored.clear()
    await publish(
        mosquitto, *(f"89{number:02x}3FC00000BE8000006A34BC8E0000" for number in range(60)), terminal="0001234AC1"
    )
    task = asyncio.create_task(pump(eltres(mosquitto.url, client_id), broker))
    await until(lambda: len(recorder.of_type("Device")) >= 60)
    await asyncio.sleep(0.3)
    channels = [
        device["triggerChannel"]["value"] for device in recorder.of_type("Device") if "triggerChannel" in device
    ]
    assert channels == list(range(60))
    await stop(task)


async def test_the_source_fails_when_the_server_goes(mosquitto: Mosquitto, broker: Broker, client_id: str) -> None:
    task = asyncio.create_task(pump(eltres(mosquitto.url, client_id), broker))
    await asyncio.sleep(0.3)
    mosquitto.stop()
    try:
        with pytest.raises(ExceptionGroup) as failure:
            await asyncio.wait_for(task, 10)
        assert failure.group_contains(aiomqtt.MqttError)
    finally:
        mosquitto.start()


async def test_whoever_publishes_can_be_stopped_at_any_moment(mosquitto: Mosquitto) -> None:
    async def endlessly() -> None:
        async with connection(mosquitto.url) as client:
            while True:
                await client.publish("anywhere", b"", qos=1)

    await stops_when_asked(endlessly)


async def test_two_processes_share_a_subscription(
    mosquitto: Mosquitto, broker: Broker, recorder: Recorder, client_id: str
) -> None:
    topic = f"$share/city/{client_id}/+"
    tasks = [
        asyncio.create_task(pump(eltres(mosquitto.url, f"{client_id}-{number}", topic), broker)) for number in range(2)
    ]
    await asyncio.sleep(0.5)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for number in range(40):
            body = f"89{number:02x}3FC00000BE8000006A34BC8E0000"
            await client.publish(f"{client_id}/0001234AC1", body, qos=1)
    await until(lambda: len(recorder.of_type("Device")) >= 40)
    await asyncio.sleep(0.3)
    channels = [each["triggerChannel"]["value"] for each in recorder.of_type("Device")]
    assert sorted(channels) == list(range(40))  # each once, whoever got it
    for task in tasks:
        await stop(task)
