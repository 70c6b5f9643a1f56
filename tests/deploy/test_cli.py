"""The console script: what each command loads, and how mistakes look."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.cli import main
from deploy.postgres import EmbeddedPostgres
from tests.broker.databases import execute

Capture = pytest.CaptureFixture[str]


def yukitsuri(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *words]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=30)


def test_version() -> None:
    assert yukitsuri("--version").stdout.startswith("yukitsuri 0.")


def test_the_adapters_do_not_load_the_broker() -> None:
    code = (
        "import sys; from deploy.cli import parser; parser(); print([m for m in sys.modules if m.startswith('broker')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("words", [[], ["serve", "now"], ["unknown"], ["adapters"]])
def test_a_mistyped_command_shows_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: yukitsuri" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["migrate", "tenants list", "tenants delete x --yes", "import f.csv"])
def test_an_unreachable_database_is_one_line(command: str) -> None:
    done = yukitsuri(*command.split(), BROKER_DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("yukitsuri: the database of BROKER_DATABASE_URL cannot be used: ")
    assert done.stderr.count("\n") == 1


def test_serve_waits_for_its_database_and_says_so(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    dsn = server.start()
    server.stop()
    command = [sys.executable, "-m", "deploy.cli", "serve"]
    variables = {**os.environ, "BROKER_DATABASE_URL": dsn}
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as broker:
        try:
            assert broker.stderr is not None
            away = "yukitsuri: the database of BROKER_DATABASE_URL cannot be reached: "
            assert broker.stderr.readline().startswith(away)
            with EmbeddedPostgres(tmp_path, urlsplit(dsn).port):
                *_, last = broker.communicate(timeout=60)[1].splitlines()
        finally:
            broker.kill()
    assert last.endswith("run yukitsuri migrate")
    assert broker.returncode == 1


@pytest.mark.parametrize("command", ["serve", "migrate", "tenants list", "tenants delete x --yes", "import f.csv"])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"BROKER_PORT": "many"}, "BROKER_PORT=many: "),
        ({"BROKER_DATABASE_URL": "x"}, "BROKER_DATABASE_URL: a DSN starts with postgresql://"),
        ({"BROKER_DATABASE_URL": "postgresql://h:port/x"}, "the database of BROKER_DATABASE_URL cannot be used: "),
        ({"BROKER_DATABASE_URL": "postgresql://127.0.0.1:1/none?sslmode=x"}, "the database of BROKER_DATABASE_URL can"),
        ({"BROKER_HOST": "0.0.0.0"}, "BROKER_HOST=0.0.0.0 is open to others"),
    ],
)
def test_what_is_wrong_about_the_broker_is_one_line(
    command: str, variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(command.split()) in (1, 2)
    errors = capsys.readouterr().err
    assert errors.startswith(f"yukitsuri: {told}")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("command", ["adapters run", "adapters check", "demo", "quarantine list", "quarantine show 1"])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ADAPTERS_BATCH": "0"}, "ADAPTERS_BATCH=0: "),
        ({"ADAPTERS_BROKER_URL": "127.0.0.1:1026"}, "ADAPTERS_BROKER_URL: a URL starts with http://"),
        ({"ADAPTERS_MQTT_URL": "tcp://h"}, "ADAPTERS_MQTT_URL: a URL starts with mqtt://"),
    ],
)
def test_what_is_wrong_about_the_adapters_is_one_line(
    command: str, variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(command.split()) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"yukitsuri: {told}")
    assert errors.count("\n") == 1


def test_a_broker_that_is_away_is_named() -> None:
    done = yukitsuri("quarantine", "list", ADAPTERS_BROKER_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("yukitsuri: the broker at http://127.0.0.1:1 (ADAPTERS_BROKER_URL) does not answer")


def test_a_database_without_our_tables_asks_for_migrate(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as empty:
        for command in ("serve", "tenants list", "import f.csv"):
            done = yukitsuri(*command.split(), BROKER_DATABASE_URL=empty, BROKER_PORT="0")
            assert done.returncode == 1
            assert done.stderr.endswith("run yukitsuri migrate\n")
            assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", ["alter role city connection limit 9", "alter database yukitsuri connection limit 9"])
def test_serve_tells_of_a_database_that_allows_too_few_connections(tmp_path: Path, limit: str) -> None:
    with EmbeddedPostgres(tmp_path) as dsn:
        assert yukitsuri("migrate", BROKER_DATABASE_URL=dsn).returncode == 0
        role = "create role city login password 'city'; grant pg_read_all_data to city"
        asyncio.run(execute(dsn, f"{role}; {limit}"))
        address = urlsplit(dsn)
        theirs = address._replace(netloc=f"city:city@{address.netloc.rpartition('@')[2]}").geturl()
        command = [sys.executable, "-m", "deploy.cli", "serve"]
        variables = {**os.environ, "BROKER_DATABASE_URL": theirs, "BROKER_PORT": "0"}
        with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as broker:
            try:
                assert broker.stderr is not None
                told = broker.stderr.readline()
            finally:
                broker.kill()
    assert "allows 9 connections and the broker takes up to 28: " in told
