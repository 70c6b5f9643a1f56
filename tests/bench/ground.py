"""What a measurement stands on: an embedded server and a broker of their own."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from broker.store import migrate
from deploy.ports import next_free
from deploy.postgres import EmbeddedPostgres

_FOLDER = Path("data/bench")
_READY_WITHIN = 100  # tries, a tenth of a second apart


@dataclass(frozen=True, slots=True)
class Ground:
    """`base` is the broker's URL, `dsn` its database, `broker` its process id."""

    base: str
    dsn: str
    broker: int

    def memory(self) -> int:
        """Resident memory of the broker in MB."""
        lines = Path(f"/proc/{self.broker}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


@asynccontextmanager
async def ground(**settings: str) -> AsyncIterator[Ground]:
    """A broker with BROKER_* `settings` on an empty database; both end with the block."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    server = EmbeddedPostgres(_FOLDER)
    with server as dsn:
        await migrate.run(dsn)
        running = server.running()
        assert running is not None
        port = next_free(11026)
        environment = {
            **os.environ,
            "BROKER_DATABASE_URL": server.socket_dsn(running.port),  # as `make run` does it
            "BROKER_PORT": str(port),
            **settings,
        }
        broker = subprocess.Popen(  # noqa: ASYNC220  nothing else runs yet
            [sys.executable, "-m", "deploy.cli", "serve"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            base = f"http://127.0.0.1:{port}"
            await _ready(base)
            yield Ground(base, dsn, broker.pid)
        finally:
            broker.terminate()
            broker.wait()


async def _ready(base: str) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        for _ in range(_READY_WITHIN):
            try:
                if (await client.get("/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit("bench: the broker did not become ready")
