"""One embedded PostgreSQL in a folder of its own: cluster, password, log.

    with EmbeddedPostgres(Path("data/test")) as dsn:
        ...

It listens on 127.0.0.1 and on a Unix socket in the folder; the random password is the folder owner's to read.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from deploy.account import server_account
from deploy.cluster import Cluster, Running
from deploy.errors import GroundError
from deploy.lock import locked
from deploy.ports import next_free
from deploy.process import dying_with_parent, end, spawn
from deploy.servers import install
from deploy.supervisor import Service

FIRST_PORT = 15432  # below the range that outgoing connections take their ports from
_ATTEMPTS = 4  # a port may be taken meanwhile; sessions of a killed server need a moment to end
_LOG_LIMIT = 10_000_000  # bytes


class EmbeddedPostgres:
    """A server that lives in one folder; it ends with the thread that started it, even after kill -9."""

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        """`data_dir` is made when missing; without `port` the next free one from 15432 is taken."""
        self.folder = data_dir.resolve()
        self.log = self.folder / "postgres.log"
        self._cluster = Cluster(self.folder)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Starts the server unless it already runs, and returns its DSN.

        Recovers from an interrupted initdb and a stale postmaster.pid. Raises GroundError with the log's end.
        """
        install()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder / "lock"):
            running = self._settled() or self._launched()
        return self._cluster.dsn(running.port)

    def stop(self) -> None:
        """Ends the server if this object started it: sessions are cut, everything committed is on disk."""
        process, self._process = self._process, None
        if process is not None:  # "fast", then "immediate", after which the log is replayed at the next start
            end(process, [(signal.SIGINT, 30), (signal.SIGQUIT, 10)])

    def command(self, port: int) -> list[str]:
        """Makes the cluster ready to run and returns the server's command line. Raises GroundError."""
        servers, account = install(), server_account()
        self._cluster.make(servers, account)
        self._cluster.forget_dead()
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        prefix = [*account.prefix, *dying_with_parent(signal.SIGINT), "env", f"PROJ_DATA={servers.proj_data}"]
        return [*prefix, str(servers.postgres / "postgres"), "-D", str(self._cluster.path), "-p", str(port)]

    def service(self, port: int) -> Service:
        """Returns the server as a child of the supervisor, which must hold the folder for itself."""

        async def ready() -> bool:
            running = self.running()
            return running is not None and running.status == "ready"

        return Service(
            "postgres", lambda: self.command(port), ready=ready, log=self.log,
            stop=signal.SIGINT, kill=signal.SIGQUIT, patience=30,
        )  # fmt: skip

    def end_orphan(self) -> None:
        """Ends a server whose supervisor was killed, and waits until it is gone."""
        for request in (signal.SIGINT, signal.SIGQUIT):
            deadline = time.monotonic() + 30
            if running := self.running():
                os.kill(running.pid, request)
            while self.running() and time.monotonic() < deadline:
                time.sleep(0.05)
        if running := self.running():
            raise GroundError(f"a PostgreSQL server (process {running.pid}) holds {self.folder} and does not end")

    def running(self) -> Running | None:
        """Returns the server that runs on this folder now, whoever started it, or None."""
        return self._cluster.running()

    def socket_dsn(self, port: int) -> str:
        """Returns the address of the database by Unix socket, or by TCP where the folder's path forbids a socket."""
        return self._cluster.socket_dsn(port)

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def _settled(self) -> Running | None:
        """Waits while a server is neither up nor gone."""
        while (running := self.running()) and running.status != "ready":
            time.sleep(0.05)
        return running

    def _launched(self) -> Running:
        for attempt in range(_ATTEMPTS):
            time.sleep(attempt)
            command = self.command(self._port or next_free(FIRST_PORT))
            with self.log.open("ab") as log:
                before = log.tell()
                self._process = spawn(command, log)
            if running := self._awaited(self._process):
                return running
        with self.log.open("rb") as log:
            log.seek(before)
            raise GroundError(f"PostgreSQL did not start on {self.folder}:\n{log.read().decode(errors='replace')}")

    def _awaited(self, process: subprocess.Popen[bytes]) -> Running | None:
        while process.poll() is None:  # no limit: recovery after a crash may read a gigabyte of log
            running = self.running()
            if running and running.pid == process.pid and running.status == "ready":
                return running
            time.sleep(0.02)
        return None
