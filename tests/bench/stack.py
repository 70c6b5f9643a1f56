"""A database, a broker and an MQTT server as processes of their own, for measurements and tests end to end."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx

from broker.store import migrate
from deploy.ports import claim_next
from deploy.postgres import EmbeddedPostgres

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


class BrokerProcess:
    """One broker on a port of its own, that can be killed and started again."""

    def __init__(self, dsn: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {
            "BROKER_DATABASE_URL": dsn,
            "BROKER_PORT": str(self.port),
            "BROKER_CONTEXTS_FOLDER": str(ROOT / "models"),
            "BROKER_REMOTE_ALLOW": "127.0.0.0/8",
            "BROKER_LOG_LEVEL": "warning",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "deploy.cli", "serve"], env=self._environment)
        for _ in range(300):
            try:
                if httpx.get(f"{self.url}/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("the broker does not start")

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Stack:
    """An empty database on an embedded server that can be stopped and started on its port, and its broker."""

    def __init__(self, data: Path) -> None:
        self._port = claim_next(25432)  # nobody else's, also while the server is stopped
        self.postgres = EmbeddedPostgres(data, self._port.port)
        self.dsn = asyncio.run(fresh(self.postgres.start()))
        self.broker = BrokerProcess(self.dsn)
        self.broker.start()

    def close(self) -> None:
        self.broker.kill()
        self.postgres.stop()
        self._port.release()


@contextmanager
def stack(data: Path) -> Iterator[tuple[str, BrokerProcess]]:
    """The DSN of a stack and its broker, running."""
    running = Stack(data)
    try:
        yield running.dsn, running.broker
    finally:
        running.close()


async def fresh(server: str, name: str = "ears") -> str:
    """A new, migrated database; one of that name is dropped first."""
    admin = await asyncpg.connect(server)
    await admin.execute(f"drop database if exists {name} with (force)")
    await admin.execute(f"create database {name}")
    await admin.close()
    dsn = server.rsplit("/", 1)[0] + f"/{name}" + ("?" + server.split("?", 1)[1] if "?" in server else "")
    await migrate.run(dsn)
    return dsn


async def count(dsn: str, type_name: str, attribute: str) -> int:
    """How many readings of an attribute the history of entities of a type holds."""
    connection = await asyncpg.connect(dsn)
    try:
        number = await connection.fetchval(
            "select count(*) from history h join entity e on e.no = h.entity join term t on t.no = h.attribute"
            " where e.id like $1 and t.iri like $2 and not h.deleted",
            f"urn:ngsi-ld:{type_name}:%",
            f"%/{attribute}",
        )
    finally:
        await connection.close()
    return int(number)
