"""The process is killed while frames arrive and the broker is away: every frame is stored in the end."""

import asyncio
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import aiomqtt
import orjson
from starlette.responses import Response

from tests.adapters.conftest import Mosquitto, until
from tests.adapters.recorder import Recorder, committed

FRAMES = 400
SOURCES = """
[[source]]
name = "kill-test"
adapter = "eltres"
via = { transport = "mqtt", topic = "kill/+" }
"""


def body(number: int) -> bytes:
    sent = datetime(2026, 6, 1) + timedelta(seconds=number)
    return orjson.dumps(
        {
            "deviceId": "0001234ABD",
            "sendDateTime": sent.strftime("%Y-%m-%d %H:%M:%S"),
            "payload": "85447D50000000000000000000000000",
        }
    )


async def publish(mosquitto: Mosquitto, first: int, end: int) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for number in range(first, end):
            await client.publish("kill/gateway", body(number), qos=1)


async def test_nothing_is_lost(tmp_path: Path, mosquitto: Mosquitto, recorder: Recorder) -> None:
    (tmp_path / "sources.toml").write_text(SOURCES)
    environment = os.environ | {
        "ADAPTERS_BROKER_URL": recorder.url,
        "ADAPTERS_MQTT_URL": mosquitto.url,
        "ADAPTERS_DATA": str(tmp_path),
        "ADAPTERS_SOURCES": str(tmp_path / "sources.toml"),
    }

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "adapters", "adapters", "run"], env=environment)

    def stored() -> set[str]:
        return {entity["dateLastValueReported"]["value"] for entity in recorder.of_type("Device")}

    process = start()
    try:
        async with asyncio.timeout(20):
            while not stored():  # from now on the subscription is in force
                await publish(mosquitto, 0, 1)
                await asyncio.sleep(0.2)
        for step in range(2):
            recorder.answer = lambda entities: Response(status_code=503)
            await publish(mosquitto, step * FRAMES // 2, (step + 1) * FRAMES // 2)
            process.kill()
            process.wait()
            recorder.answer = committed
            process = start()
        await until(lambda: len(stored()) == FRAMES, 20)
    finally:
        process.terminate()
        process.wait(10)
    assert recorder.quarantine == []
