"""The files of one PostgreSQL cluster: made once, whole or not at all; settings; who runs it."""

import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.account import Account, give
from deploy.errors import GroundError
from deploy.ports import LOOPBACK
from deploy.process import run
from deploy.servers import Servers

USER = DATABASE = "yukitsuri"
_ZONES = Path("/usr/share/zoneinfo/Asia")

# a small server with group commit; an acknowledged write is durable, so fsync and synchronous_commit stay on
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "8",
    "max_worker_processes": "20",  # TimescaleDB's own, one for each database with a scheduler, parallel queries
    "max_locks_per_transaction": "256",  # a statement over a hypertable locks every chunk
    "synchronous_commit": "on",
    "fsync": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "1GB",
    "min_wal_size": "512MB",  # files once made are kept: a burst after a quiet night need not wait for new ones
    "wal_compression": "lz4",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Running:
    """A living server, from its postmaster.pid; status is starting, ready or stopping."""

    pid: int
    port: int
    status: str


class Cluster:
    """The folder `cluster` beside the file `password`, under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "cluster"
        self._password = folder / "password"

    def dsn(self, port: int) -> str:
        """Returns the address of the database, password included."""
        return f"postgresql://{USER}:{self._password.read_text().strip()}@{LOOPBACK}:{port}/{DATABASE}"

    def socket_dsn(self, port: int) -> str:
        """Returns the address by Unix socket, a fifth faster than TCP, which it is where the path forbids one."""
        if not self._has_socket():
            return self.dsn(port)
        secret = self._password.read_text().strip()
        return f"postgresql://{USER}:{secret}@/{DATABASE}?host={quote(str(self.folder), safe='')}&port={port}"

    def _has_socket(self) -> bool:
        # such a path has at most 107 bytes, and the setting is a list with commas
        return re.fullmatch(r"[A-Za-z0-9_./-]{1,80}", str(self.folder)) is not None

    def make(self, servers: Servers, account: Account) -> None:
        """Runs initdb unless the cluster is there, and writes the settings. Raises GroundError."""
        if not _ZONES.is_dir():  # Debian's PostgreSQL reads the machine's; small Ubuntu images come without
            raise GroundError("this machine has no time zones: sudo apt-get install tzdata")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            give(self.folder, account.owner)
            if not self.path.exists():
                self._initialise(servers, account)
            socket = {"unix_socket_directories": str(self.folder) if self._has_socket() else ""}
            lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, **socket}.items()]
            (self.path / "yukitsuri.conf").write_text("\n".join(lines) + "\n")
        except PermissionError as error:
            raise GroundError(
                f"{error.filename} belongs to another user; choose another folder: make run DATA=folder"
            ) from error

    def running(self) -> Running | None:
        """Returns the server that runs this cluster, or None."""
        try:
            lines = (self.path / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (FileNotFoundError, IndexError, ValueError):  # no server, or one that is just writing the file
            return None
        return Running(pid, port, (lines[7:8] or ["starting"])[0].strip()) if self._is_ours(pid) else None

    def forget_dead(self) -> None:
        """Removes the lock files of a server that is gone; the caller makes sure that nobody starts one meanwhile.

        After a reboot the process id in them may belong to anything, and PostgreSQL would then refuse to start.
        """
        if self.running() is None:
            for lockfile in (self.path / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
                lockfile.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0].endswith(b"postgres") and str(self.path).encode() in words

    def _initialise(self, servers: Servers, account: Account) -> None:
        fresh = self.folder / "cluster.new"  # renamed when whole, so an interrupted initdb is just begun again
        shutil.rmtree(fresh, ignore_errors=True)
        if not self._password.exists():
            self._write_password()
        where = ["-D", str(fresh)]
        # all writers wait while a new file of WAL is filled with zeros: the usual 16 MB take four times as long
        layout = ["--wal-segsize=4", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        access = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={self._password}"]
        for program, arguments in (
            ("initdb", [*layout, *access, *where]),
            ("postgres", ["--single", *where, "postgres"]),
        ):
            command = [*account.prefix, str(servers.postgres / program), *arguments]
            done = run(command, text=f"create database {DATABASE}\n", cwd=Path("/"))
            if done.returncode:
                raise GroundError(f"{program} failed in {fresh}:\n{done.stderr.strip()}")
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'yukitsuri.conf'  # written at each start; put your own settings below\n")
        fresh.rename(self.path)

    def _write_password(self) -> None:
        part = self.folder / "password.new"
        part.touch(0o600)
        part.write_text(secrets.token_urlsafe(24) + "\n")
        part.rename(self._password)
