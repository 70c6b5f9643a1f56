"""The stamp that says whether the virtual environment is whole and up to date."""

import json
from pathlib import Path

import pytest

from deploy import environment
from deploy.environment import LOCKS, prepare


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A project with lock files; what would be made is noted instead."""
    calls: list[str] = []
    for name in {*LOCKS["dev"], "pyproject.toml"}:
        (tmp_path / name).write_text(name)

    def create(venv: Path) -> None:
        calls.append("create")
        venv.mkdir(exist_ok=True)

    monkeypatch.setattr(environment, "_create", create)
    monkeypatch.setattr(environment, "_install", lambda venv, root, lock: calls.append(lock))
    monkeypatch.setattr(environment, "_version", lambda venv: "3.11")
    return calls


def test_the_second_time_nothing_is_done(tmp_path: Path, made: list[str]) -> None:
    prepare("run", tmp_path)
    prepare("run", tmp_path)
    assert made == ["create", "requirements.lock"]


def test_tests_packages_include_those_of_run(tmp_path: Path, made: list[str]) -> None:
    prepare("dev", tmp_path)
    prepare("run", tmp_path)
    assert made == ["create", "requirements-dev.lock"]


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_is_installed_without_starting_over(tmp_path: Path, made: list[str], name: str) -> None:
    prepare("run", tmp_path)
    (tmp_path / name).write_text("changed")
    prepare("run", tmp_path)
    assert made == ["create", "requirements.lock", "requirements.lock"]


def test_an_interrupted_installation_is_begun_anew(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(venv: Path, root: Path, lock: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare("run", tmp_path)
    prepare("run", tmp_path)
    assert made == ["create", "create", "requirements.lock"]


@pytest.mark.parametrize("change", [{"venv": "/elsewhere/.venv"}, {"python": "3.9"}])
def test_a_moved_or_outdated_one_is_made_anew(tmp_path: Path, made: list[str], change: dict[str, str]) -> None:
    prepare("run", tmp_path)
    stamp = tmp_path / ".venv/stamp.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), **change}))
    prepare("run", tmp_path)
    assert made.count("create") == 2
