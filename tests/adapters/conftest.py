"""Real parts: a Mosquitto of our own, real HTTP on loopback; only the broker's doors are recorded."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from adapters.delivery import Broker
from adapters.quarantine import Quarantine
from adapters.sink import Sink
from deploy import mosquitto as mqtt_service
from tests.adapters.recorder import Recorder, serving


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    with serving(recorder.app) as port:
        recorder.url = f"http://127.0.0.1:{port}"
        yield recorder


@pytest.fixture
async def broker(recorder: Recorder) -> AsyncIterator[Broker]:
    async with httpx.AsyncClient() as client:
        yield Broker(Sink(client, recorder.url), Quarantine(client, recorder.url))


class Mosquitto:
    """One server that can be stopped and started again on the same port with the same sessions."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._service = mqtt_service.service(folder, self.port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([str(part) for part in self._service.command()])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("mosquitto does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("mosquitto")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Mosquitto(folder / "state")
    server.start()
    yield server
    server.stop()


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits until `condition()` is true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for wakes nobody)
            await asyncio.sleep(0.02)
