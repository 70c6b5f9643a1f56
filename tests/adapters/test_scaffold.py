"""A new adapter's folder, and examples as tests."""

import shutil
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import orjson
import pytest

from adapters import registry
from adapters.__main__ import main
from adapters.contract import Message
from adapters.examples import RECEIVED_AT, check, write
from adapters.scaffold import scaffold
from tests.adapters.cases import HOUSE, adapter_of


def test_a_new_adapter_works_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["adapters", "new", "snow_depth", "--folder", str(tmp_path)]) == 0
    monkeypatch.syspath_prepend(tmp_path)
    try:
        from snow_depth.adapter import ADAPTER  # type: ignore[import-not-found]

        decode = ADAPTER.decoder(ADAPTER.settings(), None)
        good = list(decode(Message((tmp_path / "snow_depth/examples/ok/input.csv").read_bytes(), RECEIVED_AT)))
        assert [item.to_ngsi()["temperature"]["value"] for item in good] == [21.5]
        bad = list(decode(Message((tmp_path / "snow_depth/examples/hostile/input.csv").read_bytes(), RECEIVED_AT)))
        assert [(item.field, item.rule) for item in bad] == [
            ("日時", "is no date and time such as 2026/06/19 12:50"),
            ("気温", "lies outside -40 to 50"),
        ]
    finally:
        for name in [name for name in sys.modules if name.startswith("snow_depth")]:
            del sys.modules[name]


@pytest.mark.parametrize("name", ["Snow", "../x", "", "1a", "a-b", "class"])
def test_a_new_adapter_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a-z"):
        scaffold(name, tmp_path)


def test_a_new_adapter_comes_as_a_project_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["adapters", "new", "snow", "--folder", "my_city"]) == 0
    assert "adapters test snow" in capsys.readouterr().out
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["yukitsuri.adapters"] == {"snow": "my_city.snow.adapter:ADAPTER"}
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["my_city"]
    assert "from my_city.snow.decode" in (tmp_path / "my_city/snow/adapter.py").read_text()
    assert main(["adapters", "new", "rain", "--folder", "my_city"]) == 0
    assert 'rain = "my_city.rain.adapter:ADAPTER"' in capsys.readouterr().out
    assert main(["adapters", "new", "rain", "--folder", "my city"]) == 1
    assert "folders are made of a-z" in capsys.readouterr().err


def test_examples_are_held_against_the_decoder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "test", "people_count"]) == 0
    assert "ok" in capsys.readouterr().out
    assert main(["adapters", "test", "nobody"]) == 1
    assert "no adapter 'nobody'" in capsys.readouterr().err


def test_an_example_that_differs_is_told_line_by_line(tmp_path: Path) -> None:
    adapter, folder = adapter_of("rain_gauge"), tmp_path / "case"
    shutil.copytree(next(HOUSE.glob("rain_gauge/examples/*/input.csv")).parent, folder)
    assert list(check(adapter, folder)) == []
    expected = orjson.loads((folder / "expected.json").read_bytes())
    expected["entities"][0]["id"] = "urn:ngsi-ld:WeatherObserved:another"
    (folder / "expected.json").write_bytes(orjson.dumps(expected))
    assert [line[0] for line in check(adapter, folder)] == ["-", "+"]
    write(adapter, folder)
    assert list(check(adapter, folder)) == []
    (folder / "expected.json").unlink()
    assert "no expected.json" in next(check(adapter, folder))


def test_what_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "snow").mkdir()
    assert main(["adapters", "new", "snow", "--folder", str(tmp_path)]) == 1
    assert "File exists" in capsys.readouterr().err


def test_an_adapter_that_cannot_be_loaded_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_snow.py").write_text("frm nowhere")
    point = EntryPoint("snow", "broken_snow:ADAPTER", registry.GROUP)
    known = registry.published()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("adapters.cli.published", lambda: known | {"snow": point})
    monkeypatch.setattr(registry, "published", lambda: known | {"snow": point})
    monkeypatch.setenv("ADAPTERS_SOURCES", str(tmp_path / "sources.toml"))
    (tmp_path / "sources.toml").write_text('[[source]]\nname = "snow"\nadapter = "snow"\n')
    assert main(["adapters", "list"]) == 0
    told = capsys.readouterr().out
    assert "broken: adapter 'snow' cannot be loaded: SyntaxError" in told
    assert "adapter sigfox         usually by webhook" in told
    assert main(["adapters", "check"]) == 1
    assert "cannot be loaded: SyntaxError" in capsys.readouterr().err
