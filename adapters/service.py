"""Puts the pieces together and runs the declared sources in one event loop."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adapters.delivery import Broker
from adapters.metrics import Metrics
from adapters.quarantine import Quarantine
from adapters.replay import ReplayError, replay
from adapters.runner import keep_running
from adapters.server import keep_serving
from adapters.settings import AdapterSettings
from adapters.sink import Sink
from adapters.sources import Declaration, NotPermitted, SourceError, bind, bind_all
from adapters.spool import Spool
from adapters.surroundings import surroundings
from adapters.transports import Surroundings

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds a source may take to carry what it has read when it is stopped
LOOK = 2.0  # seconds between two looks at the file of sources

Declarations = Callable[[], Iterable[Declaration]]


@asynccontextmanager
async def doors(settings: AdapterSettings, spool: Spool | None = None) -> AsyncIterator[Broker]:
    """The broker's doors, open until the block ends."""
    metrics = Metrics(spool.waiting) if spool else Metrics()
    async with httpx.AsyncClient(timeout=settings.timeout) as client:
        url = settings.broker_url
        yield Broker(
            Sink(client, url), Quarantine(client, url), settings.batch, settings.queue,
            spool, settings.spool_after, metrics,
        )  # fmt: skip


async def serve(
    settings: AdapterSettings, declarations: Iterable[Declaration], reread: Declarations | None = None
) -> None:
    """Runs the sources until cancelled. Raises SourceError before anything starts.

    With `reread`, its answer replaces the declarations whenever it differs; SIGHUP starts every source anew, with what
    its tables say now.
    """
    around = surroundings(settings)
    bind_all(declarations, around)
    spool = Spool(settings.data / "spool.db", settings.spool_bytes)
    try:
        async with doors(settings, spool) as broker, asyncio.TaskGroup() as group:
            if settings.metrics_port:
                app = _admin_app(settings, broker.metrics)
                group.create_task(keep_serving("metrics", app, "127.0.0.1", settings.metrics_port), name="metrics")
            await _Running(settings, around, broker, group).follow(tuple(declarations), reread)
    finally:
        spool.close()


@dataclass(slots=True)
class _Kept:
    """One running source."""

    declaration: Declaration
    stop: asyncio.Event
    task: asyncio.Task[None]


class _Running:
    """The sources that run, and how they come to be those that are declared."""

    def __init__(
        self, settings: AdapterSettings, around: Surroundings, broker: Broker, group: asyncio.TaskGroup
    ) -> None:
        self._settings, self._around, self._broker, self._group = settings, around, broker, group
        self._kept: dict[str, _Kept] = {}
        self._listening = False

    async def follow(self, declared: tuple[Declaration, ...], reread: Declarations | None) -> None:
        await self._become(declared, anew=False)
        if reread is None:
            return
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
        complaint = ""
        while True:
            anew = await _set_within(asked, LOOK)
            asked.clear()
            try:
                wanted = tuple(await asyncio.to_thread(reread))
                bind_all(wanted, self._around)
            except SourceError as error:
                if anew or str(error) != complaint:
                    log.error("the sources stay as they are: %s", error)
                complaint = str(error)
                continue
            complaint = ""
            await self._become(wanted, anew)

    async def _become(self, wanted: tuple[Declaration, ...], anew: bool) -> None:
        by_name = {each.name: each for each in wanted}
        leaving = [kept for name, kept in self._kept.items() if anew or by_name.get(name) != kept.declaration]
        await asyncio.gather(*(self._end(kept) for kept in leaving))
        for declaration in wanted:
            if declaration.name not in self._kept:
                with suppress(NotPermitted):  # bind_all has said so
                    self._begin(declaration)
        if self._around.webhooks.wanted and not self._listening:
            self._listening = True
            host, port = self._settings.webhook_host, self._settings.webhook_port
            self._group.create_task(keep_serving("webhook", self._around.webhooks.app, host, port), name="webhooks")

    def _begin(self, declaration: Declaration) -> None:
        stop = asyncio.Event()
        source = bind(declaration, self._around)
        task = self._group.create_task(keep_running(source, self._broker, stop), name=declaration.name)
        self._kept[declaration.name] = _Kept(declaration, stop, task)
        log.info("%s: running", declaration.name)

    async def _end(self, kept: _Kept) -> None:
        """Lets the source carry what it has read; what it cannot is not acknowledged and comes again."""
        kept.stop.set()
        await asyncio.wait({kept.task}, timeout=PATIENCE)
        kept.task.cancel()
        await asyncio.wait({kept.task})
        del self._kept[kept.declaration.name]
        log.info("%s: stopped", kept.declaration.name)


def _admin_app(settings: AdapterSettings, metrics: Metrics) -> Starlette:
    """`GET /metrics` and `POST /quarantine/{id}/replay`, for this machine only."""

    async def tell(request: Request) -> Response:
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    async def again(request: Request) -> Response:
        told: list[str] = []
        tenant = request.headers.get("ngsild-tenant", "")
        try:
            await replay(settings, [request.path_params["id"]], told.append, tenant)
        except LookupError as error:
            return JSONResponse({"title": "Not found", "detail": str(error)}, 404)
        except (ReplayError, SourceError) as error:
            return JSONResponse({"title": "Not replayed", "detail": str(error)}, 409)
        except httpx.HTTPError as error:
            return JSONResponse({"title": "No answer of the broker", "detail": str(error)}, 502)
        return JSONResponse({"detail": told[0]})

    return Starlette(routes=[Route("/metrics", tell), Route("/quarantine/{id:int}/replay", again, methods=["POST"])])


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def spare_the_collector() -> None:
    """Messages and entities are trees, freed by counting; looking for cycles among them costs a sixth of the work."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def until_stopped(work: asyncio.Task[None]) -> None:
    """Waits for `work`; SIGTERM and SIGINT cancel it. What is not acknowledged is delivered again next time."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped")
