"""Brokers with settings of their own: inside the test, or as a process with a port, that can be killed."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from broker.app import create_app
from broker.settings import Settings


@asynccontextmanager
async def inside(dsn: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a broker in the test's loop."""
    app = create_app(Settings(database_url=dsn, **settings))
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1:1026/ngsi-ld/v1"
        ) as client,
    ):
        yield client


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


class Running:
    """Settings as keyword arguments: `notification_retry=0.1` is BROKER_NOTIFICATION_RETRY."""

    def __init__(self, dsn: str, **settings: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "database_url": dsn,
            "port": self.port,
            "remote_allow": "127.0.0.0/8",
            "log_level": "warning",
            **settings,
        }
        self._environment = {**os.environ, **{f"BROKER_{name.upper()}": str(value) for name, value in given.items()}}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = "import uvloop; from broker.serve import serve; serve()"
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=self._environment)
        await self.ready()

    async def ready(self) -> None:
        """Wait until the broker serves, which it does not without its database."""
        async with httpx.AsyncClient() as client:
            for _ in range(600):
                try:
                    if (await client.get(f"{self.url}/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError("the broker is not ready")

    async def kill(self) -> None:
        """As with kill -9."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()

    async def __aenter__(self) -> "Running":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
