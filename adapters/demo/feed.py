"""`yukitsuri demo`: everything the city's gateways would send, in accelerated time and endlessly.

It knows the broker as little as a gateway does: it drops files, publishes over MQTT, pushes and serves documents. Every
reading keeps the instant it was recorded with, so a second round changes nothing.
"""

import asyncio
import logging

from adapters.demo.files import drop_files
from adapters.demo.gateways import publish, push
from adapters.demo.gbfs_server import serve
from adapters.settings import AdapterSettings

log = logging.getLogger(__name__)

PAUSE = 5.0  # seconds between two steps; rows that were half an hour apart come every second or so


async def feed(settings: AdapterSettings) -> None:
    """Plays until cancelled."""
    log.info("demo: replaying recorded samples into %s", settings.data / "inbox")
    door = f"http://{settings.webhook_host}:{settings.webhook_port}/push/eltres"
    async with asyncio.TaskGroup() as group:
        group.create_task(serve("127.0.0.1", settings.demo_port))
        group.create_task(drop_files(settings.data / "inbox", PAUSE))
        group.create_task(publish(settings.mqtt_url, PAUSE))
        group.create_task(push(door, PAUSE))
