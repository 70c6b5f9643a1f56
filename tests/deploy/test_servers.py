"""The folder of unpacked programs."""

from pathlib import Path

import pytest

from deploy import servers
from deploy.errors import GroundError
from deploy.servers import PLATFORMS, cache_folder, install


def test_architectures() -> None:
    assert {name: platform.loader for name, platform in PLATFORMS.items()} == {
        "amd64": "ld-linux-x86-64.so.2",
        "arm64": "ld-linux-aarch64.so.1",
    }
    assert all(platform.libraries.endswith("-linux-gnu") for platform in PLATFORMS.values())


def test_another_architecture_is_told_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "architecture", lambda: "riscv64")
    with pytest.raises(GroundError, match="set DATABASE_URL"):
        install()


def test_the_cache_follows_the_users_setting() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/tmp/c"}) == Path("/tmp/c/yukitsuri")
    assert cache_folder({}) == Path.home() / ".cache/yukitsuri"


def test_programs_run_with_their_own_libraries() -> None:
    here = install()
    for program in here.programs():
        if program.read_bytes()[:4] == b"\x7fELF":
            maps = servers.run([program, "--help"])
            assert "not found" not in maps.stderr
            assert "error while loading" not in maps.stderr


def test_a_moved_or_half_made_folder_is_not_taken_for_whole(tmp_path: Path) -> None:
    assert not servers._complete(tmp_path)
    (tmp_path / "unpacked-at").write_text("/elsewhere")
    assert not servers._complete(tmp_path)
    (tmp_path / "unpacked-at").write_text(str(tmp_path))
    assert servers._complete(tmp_path)
