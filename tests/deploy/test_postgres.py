"""The embedded server for real: made, started, stopped, found again, recovered."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.account import root_ways
from deploy.postgres import EmbeddedPostgres
from deploy.process import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance") / "a b" / "データ"  # spaces and Japanese in the path


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder)
    yield server
    server.stop()


def pid_of(server: EmbeddedPostgres) -> int:
    running = server.running()
    assert running is not None
    return running.pid


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_both_extensions_work_and_writes_are_durable(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await value(dsn, "create extension if not exists timescaledb")
    await value(dsn, "create extension if not exists postgis")
    assert await value(dsn, "select st_distance('point(136.6 36.5)'::geography, 'point(136.7 36.5)'::geography) > 8000")
    # coordinate tables and time zones are files that must be found
    assert await value(dsn, "select st_x(st_transform('srid=4326;point(136.6 36.5)'::geometry, 6675)) is not null")
    assert await value(dsn, "select extract(hour from timestamptz '2026-01-01T00:00Z' at time zone 'Asia/Tokyo')") == 9
    names = ("synchronous_commit", "fsync", "full_page_writes")
    assert [await value(dsn, f"show {name}") for name in names] == ["on"] * 3
    assert await value(dsn, "show server_encoding") == "UTF8"


async def test_data_is_there_after_stop_and_start(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await value(dsn, "create table if not exists kept as select 1 as one")
    server.stop()
    assert server.running() is None
    assert await value(server.start(), "select one from kept") == 1


def test_a_running_server_is_reused_and_only_its_starter_ends_it(server: EmbeddedPostgres, folder: Path) -> None:
    dsn, second = server.start(), EmbeddedPostgres(folder)
    assert second.start() == dsn == server.start()
    second.stop()
    assert pid_of(server)


async def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres, folder: Path) -> None:
    dsn = server.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn, password="guess")
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "cluster").stat().st_mode) == 0o700


async def test_killed_hard_it_recovers(server: EmbeddedPostgres) -> None:
    dsn = server.start()
    await value(dsn, "create table killed as select 1 as one")
    os.kill(pid_of(server), signal.SIGKILL)
    assert await value(server.start(), "select one from killed") == 1


def test_a_lock_file_with_a_foreign_process_id_does_not_stop_it(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    port = server.running()
    server.stop()
    # as after a reboot: the number now belongs to another process of this user
    (folder / "cluster/postmaster.pid").write_text(f"{os.getpid()}\n{folder}/cluster\n0\n15432\n\n\n\nready\n")
    assert server.running() is None
    server.start()
    assert port is not None
    assert pid_of(server) != os.getpid()


def test_an_interrupted_initdb_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.new/base").mkdir(parents=True)
    (tmp_path / "cluster.new/PG_VERSION").write_text("17\n")
    with EmbeddedPostgres(tmp_path) as dsn:
        assert dsn.startswith("postgresql://")
    assert not (tmp_path / "cluster.new").exists()


async def test_a_short_plain_path_gives_a_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        running = server.running()
        assert running is not None
        assert await value(server.socket_dsn(running.port), "select inet_client_addr() is null")
        server.stop()
        (server.folder / f".s.PGSQL.{running.port}.lock").write_text(f"{os.getpid()}\n")  # as after a reboot
        server.start()
        server.stop()


def test_a_long_or_odd_path_gives_tcp(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    running = server.running()
    assert running is not None
    assert "@127.0.0.1:" in server.socket_dsn(running.port)
    server.stop()


def test_two_servers_run_side_by_side(server: EmbeddedPostgres, tmp_path: Path) -> None:
    first = server.start()
    with EmbeddedPostgres(tmp_path) as second:
        assert first.rsplit(":", 1) != second.rsplit(":", 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
@pytest.mark.parametrize("way", [0, 1], ids=["namespace", "capability"])
async def test_root_runs_it_as_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: int) -> None:
    account, other = root_ways()[way], root_ways()[1 - way]
    if run([*account.prefix, "true"]).returncode:
        pytest.skip(f"this machine forbids {account.prefix[0]}")
    monkeypatch.setattr("deploy.postgres.server_account", lambda: account)
    server = EmbeddedPostgres(tmp_path / "closed" / "data")
    (tmp_path / "closed").mkdir(mode=0o700)
    dsn = server.start()
    assert await value(dsn, "select 1") == 1
    server.stop()
    if run([*other.prefix, "true"]).returncode == 0:  # a folder made in one way serves the other
        monkeypatch.setattr("deploy.postgres.server_account", lambda: other)
        assert await value(server.start(), "select 1") == 1
        server.stop()


def test_it_ends_with_the_process_that_started_it(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from deploy.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 10
    server = EmbeddedPostgres(folder)
    while server.running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.running() is None
