"""make clean-data."""

from pathlib import Path

import pytest

from deploy import clean, instance
from deploy.errors import GroundError


def test_only_our_own_folders_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("postgres/cluster", "mosquitto", "adapters", "photos"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env").touch()
    monkeypatch.setenv("DATA", str(tmp_path))
    assert clean.main() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "photos"]


def test_a_folder_in_use_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "_PATIENCE", 0.1)
    monkeypatch.setenv("DATA", str(tmp_path))
    (tmp_path / "postgres").mkdir()
    with instance.instance(tmp_path):
        assert clean.main() == 1
        with pytest.raises(GroundError, match="another make run"), instance.instance(tmp_path):
            pass
    assert (tmp_path / "postgres").exists()
