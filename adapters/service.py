"""Puts the pieces together and runs the declared sources in one event loop."""

import asyncio
import logging
import signal
from collections.abc import Iterable

import httpx

from adapters.backoff import delays
from adapters.delivery import Broker
from adapters.pseudonym import DayKey
from adapters.quarantine import Quarantine
from adapters.runner import run
from adapters.settings import AdapterSettings
from adapters.sink import Sink
from adapters.sources import Declaration, bind_all
from adapters.transports import Surroundings
from adapters.transports.webhook import WebhookServer

log = logging.getLogger(__name__)


def day_key(settings: AdapterSettings) -> DayKey:
    return DayKey(settings.data / "pseudonym.key")


def surroundings(settings: AdapterSettings) -> Surroundings:
    return Surroundings(settings.mqtt_url, settings.data, WebhookServer(settings.webhook_host, settings.webhook_port))


async def serve(settings: AdapterSettings, declarations: Iterable[Declaration]) -> None:
    """Runs the sources until cancelled. Raises SourceError before anything starts."""
    around = surroundings(settings)
    sources = bind_all(declarations, around, day_key(settings))
    async with httpx.AsyncClient(timeout=settings.timeout) as client:
        broker = Broker(
            Sink(client, settings.broker_url), Quarantine(client, settings.broker_url), settings.batch, settings.queue
        )
        async with asyncio.TaskGroup() as group:
            if around.webhooks.wanted:
                group.create_task(_keep_serving(around.webhooks), name="webhooks")
            group.create_task(run(sources, broker), name="sources")


async def _keep_serving(webhooks: WebhookServer) -> None:
    """A port that is taken is the trouble of pushed sources only; it is tried again until it is free."""
    for delay in delays(first=1.0):
        try:
            await webhooks.serve()
            return
        except OSError as error:
            log.error("webhook: %s; trying again in %.1f s", error, delay)
            await asyncio.sleep(delay)


async def until_stopped(work: asyncio.Task[None]) -> None:
    """Waits for `work`; SIGTERM and SIGINT cancel it. What is not acknowledged is delivered again next time."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped")
