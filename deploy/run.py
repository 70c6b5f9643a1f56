"""make run: database, MQTT, migrations, broker, adapters, demo feed; one Ctrl-C ends them all."""

import asyncio
import os
import signal
import sys
import time
from functools import partial

from deploy import exports, mosquitto
from deploy.errors import GroundError
from deploy.greeting import greeting
from deploy.instance import instance
from deploy.plan import Plan, data_folder, read
from deploy.ports import LOOPBACK
from deploy.postgres import EmbeddedPostgres
from deploy.progress import Step, say
from deploy.servers import install
from deploy.supervisor import Service, Supervisor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Runs until a signal; returns the exit code."""
    try:
        with instance(data_folder(os.environ)):  # first: the one before this may still hold its ports
            plan = read(os.environ)
            if plan.embeds:
                install()
            return asyncio.run(_run(plan))
    except GroundError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(plan: Plan) -> int:
    """Starts everything, waits for a signal, stops everything; a second signal ends the patience."""
    began, supervisor = time.monotonic(), Supervisor()
    stop, hurry = asyncio.Event(), asyncio.Event()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, lambda: hurry.set() if stop.is_set() else stop.set())
    starting = asyncio.create_task(_start_all(plan, supervisor))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            starting.result()
            say(greeting(plan, time.monotonic() - began))
            await stopping
    finally:
        stop.set()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        with Step("stopping"):
            await supervisor.stop(hurry)
    return 0


async def _start_all(plan: Plan, supervisor: Supervisor) -> None:
    dsn = plan.database_url or await _start_postgres(plan, supervisor)
    broker = plan.broker_environment(dsn, os.environ)
    exports.write(plan, dsn, os.environ)
    with Step("preparing the database"):
        await supervisor.run_once(Service("migrate", partial(_yukitsuri, "migrate"), broker))
    if plan.given_mqtt_url is None:
        await supervisor.start(mosquitto.service(plan.data / "mosquitto", plan.ports.mqtt))
    with Step("starting the broker"):
        ready = partial(_answers, plan.ports.broker)
        await supervisor.start(Service("broker", partial(_yukitsuri, "serve"), broker, ready=ready))
    if plan.demo:
        adapters = plan.adapters_environment()
        await supervisor.start(Service("adapters", partial(_yukitsuri, "adapters", "run"), adapters))
        await supervisor.start(Service("demo", partial(_yukitsuri, "demo"), adapters, once=True))


async def _start_postgres(plan: Plan, supervisor: Supervisor) -> str:
    server = EmbeddedPostgres(plan.data / "postgres")
    with Step("starting PostgreSQL"):
        await asyncio.to_thread(server.end_orphan)
        await supervisor.start(server.service(plan.ports.postgres), limit=600)
    return server.socket_dsn(plan.ports.postgres)


def _yukitsuri(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *arguments]


async def _answers(port: int) -> bool:
    """Whether the broker says that it is ready."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(b"GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status


if __name__ == "__main__":
    sys.exit(main())
