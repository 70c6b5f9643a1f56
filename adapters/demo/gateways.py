"""ELTRES frames as gateways send them: over MQTT in their three forms, and by HTTP push; and a LoRaWAN uplink."""

import asyncio
import itertools
import logging
from collections.abc import Iterator

import aiomqtt
import httpx
import orjson

from adapters.backoff import delays
from adapters.demo.files import RECORDED
from adapters.transports.mqtt import connection

log = logging.getLogger(__name__)

UPLINK_TOPIC = "v3/app1@tenant1/devices/dev1/up"


def uplinks() -> Iterator[tuple[str, bytes]]:
    """(topic, body), over and over, for a server forgets what comes while nobody is subscribed.

    An ELTRES frame is JSON when it was recorded with its time, else raw bytes or hex by turns.
    """
    recorded = orjson.loads(RECORDED.joinpath("eltres_frames.json").read_bytes())
    for turn in itertools.count():
        yield UPLINK_TOPIC, RECORDED.joinpath("tts_uplink.json").read_bytes()
        for frame in recorded:
            raw = bytes.fromhex(frame["payload"])
            plain = raw if turn % 2 else frame["payload"].encode()
            yield f"eltres/{frame['deviceId']}", orjson.dumps(frame) if "sendDateTime" in frame else plain


async def publish(url: str, pause: float) -> None:
    """Publishes one uplink every `pause` seconds, quicker at first, and comes back when the server was away."""
    waits, sent = delays(), 0
    source = uplinks()
    while True:
        try:
            async with connection(url) as client:
                waits = delays()
                for topic, body in source:
                    await client.publish(topic, body, qos=1)
                    sent += 1
                    await asyncio.sleep(pause if sent > 30 else 0.1)
        except aiomqtt.MqttError as error:
            log.info("demo: MQTT server not reached (%s)", error)
            await asyncio.sleep(next(waits))


async def push(url: str, pause: float) -> None:
    """Pushes one recorded frame every `pause` seconds and sends it again until it was taken."""
    recorded = orjson.loads(RECORDED.joinpath("eltres_frames.json").read_bytes())
    async with httpx.AsyncClient(timeout=15) as client:
        for frame in itertools.cycle(recorded):
            await _deliver(client, url, orjson.dumps([frame]))
            await asyncio.sleep(pause)


async def _deliver(client: httpx.AsyncClient, url: str, body: bytes) -> None:
    for attempt, delay in enumerate(delays()):
        try:
            response = await client.post(url, content=body, headers={"Content-Type": "application/json"})
            if response.is_success:
                return
            log.info("demo: push answered %d", response.status_code)
        except httpx.TransportError as error:
            if attempt:  # the adapters start when we do
                log.info("demo: push not taken (%s)", type(error).__name__)
        await asyncio.sleep(delay)
