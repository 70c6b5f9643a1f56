"""Small HTTP servers inside this process: one loop, our own socket, our own signals."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from adapters.backoff import delays

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn inside a process that handles its signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: ASGIApp, host: str, port: int) -> None:
    """Listens until cancelled. Raises OSError when the port is taken."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
    # Our own socket: uvicorn would end the whole process when the port is taken.
    with socket.create_server((host, port)) as door:
        await Server(config).serve(sockets=[door])


async def keep_serving(name: str, app: ASGIApp, host: str, port: int) -> None:
    """A port that is taken is not the end of the sources; it is tried again until it is free."""
    for delay in delays(first=1.0):
        try:
            log.info("%s: http://%s:%d", name, host, port)
            await serve(app, host, port)
            return
        except OSError as error:
            log.error("%s: %s; trying again in %.1f s", name, error, delay)
            await asyncio.sleep(delay)
