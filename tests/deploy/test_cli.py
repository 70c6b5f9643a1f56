"""The console script: what each command loads, and how mistakes look."""

import os
import subprocess
import sys

import pytest

from deploy.cli import main


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


def test_an_unreachable_database_is_one_line() -> None:
    done = yukitsuri("migrate", BROKER_DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("yukitsuri migrate: ")
    assert "Traceback" not in done.stderr
