"""make run as a process: everything up, everything down. Stand-ins play the broker and the adapters."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.process import dying_with_parent

STAND_INS = """
import sys
import deploy.run

BROKER = '''
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()
    def log_message(self, *_): pass
print("remotes", os.environ["BROKER_REMOTE_ALLOW"])
http.server.HTTPServer(("127.0.0.1", int(os.environ["BROKER_PORT"])), Answer).serve_forever()
'''
ADAPTERS = "import os, time; print('to', os.environ['ADAPTERS_BROKER_URL']); time.sleep(60)"
PARTS = {"migrate": "print('migrated')", "serve": BROKER, "adapters": ADAPTERS, "demo": "time.sleep(60)"}
deploy.run._yukitsuri = lambda *words: [sys.executable, "-c", "import time\\n" + PARTS[words[0]]]
sys.exit(deploy.run.main())
"""


class Instance:
    """One supervisor with its output."""

    def __init__(self, data: Path, **variables: str) -> None:
        self._log = data.with_suffix(".log")
        ports = {"PORT": "21026", "MQTT_PORT": "21883", "PG_PORT": "25432", "ADAPTERS_WEBHOOK_PORT": "21030"}
        mark = {"YUKITSURI_TRIAL": str(data)}  # every child inherits it
        environ = {**os.environ, **ports, **mark, "DATA": str(data), **variables}
        with self._log.open("w") as log:
            command = [*dying_with_parent(signal.SIGTERM), sys.executable, "-c", STAND_INS]
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)

    def said(self) -> str:
        return self._log.read_text()

    def await_ready(self) -> None:
        deadline = time.monotonic() + 30
        while "Ctrl-C stops everything" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)


def living(folder: Path) -> dict[int, str]:
    """Processes of instances on data folders under this folder: their ids and command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"YUKITSURI_TRIAL={folder}".encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")[:80]
        except OSError:
            continue
    return found


def await_none(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while living(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(folder) == {}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A folder for instances' data folders; what runs on them is gone after the test."""
    yield tmp_path / "data"
    for pid in living(tmp_path):
        os.kill(pid, signal.SIGKILL)  # of a test that failed
    await_none(tmp_path)


def shell(data: Path, commands: str) -> str:
    """What a shell prints that has read the instance's file env."""
    return subprocess.run(["sh", "-c", f"set -eu; . {data}/env; {commands}"], capture_output=True, text=True).stdout


def test_it_starts_everything_and_ends_everything(data: Path) -> None:
    instance = Instance(data)
    instance.await_ready()
    assert len(living(data)) > 5
    for line in ("migrate | migrated", "broker | remotes 127.0.0.0/8", "adapters | to http://127.0.0.1:"):
        assert line in instance.said()
    assert shell(data, "echo $BROKER_PORT; psql -Atc 'select 7' $BROKER_DATABASE_URL") == "21026\n7\n"
    assert (data / "env").stat().st_mode & 0o077 == 0
    instance.process.send_signal(signal.SIGTERM)
    assert instance.process.wait(15) == 0
    assert living(data) == {}


def test_it_leaves_nothing_when_killed_and_starts_again_at_once(data: Path) -> None:
    killed = Instance(data, DEMO="0")
    killed.await_ready()
    assert "adapters |" not in killed.said()
    killed.process.kill()
    killed.process.wait()
    again = Instance(data, DEMO="0")
    again.await_ready()
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(15) == 0
    assert living(data) == {}


def test_instances_run_side_by_side(data: Path, tmp_path: Path) -> None:
    instances = [Instance(data, DEMO="0"), Instance(tmp_path / "other", DEMO="0")]
    for instance in instances:
        instance.await_ready()
    for instance in instances:
        instance.process.send_signal(signal.SIGTERM)
    assert [instance.process.wait(15) for instance in instances] == [0, 0]
    assert living(tmp_path) == {}


def test_a_failing_step_ends_what_was_started(data: Path) -> None:
    instance = Instance(data, DATABASE_URL="postgresql://127.0.0.1:1/none", MQTT_URL="mqtt://127.0.0.1:1", PORT="x")
    assert instance.process.wait(15) == 1
    assert "PORT=x" in instance.said()
