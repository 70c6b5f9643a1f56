"""Files of the past: in parts, resumed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.__main__ import main
from adapters.backfill import Journal, Part, backfill, parts
from adapters.contract import Adapter, DecodeError, Message, SourceSettings
from adapters.delivery import Broker, Source
from models import Device, Model, urn
from tests.adapters.recorder import Recorder
from tests.adapters.test_commands import RAIN, WIFI

HEADER = "観測所名,観測日時,10分雨量\n"


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> Path:
    monkeypatch.setenv("ADAPTERS_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("ADAPTERS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ADAPTERS_BROKER_URL", recorder.url)
    (tmp_path / "sources.toml").write_text(RAIN + WIFI)
    return tmp_path


def numbers(message: Message) -> Iterator[Model | DecodeError]:
    for line in message.body.decode().splitlines()[1:]:
        yield DecodeError("n", line, "is bad") if line == "bad" else Device(id=urn("Device", "t", line))


def source() -> Source:
    adapter = Adapter("test", "file", SourceSettings, lambda settings, privacy: numbers)
    return Source("test", adapter, None, numbers)  # type: ignore[arg-type]


cells = st.one_of(st.integers().map(str), st.just('"two\nlines"'), st.just('"say ""so"""'))


@given(st.lists(st.lists(cells, min_size=1, max_size=3), max_size=40), st.integers(1, 60))
def test_the_parts_are_the_file(tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], size: int) -> None:
    path = tmp_path_factory.mktemp("parts") / "table.csv"
    rows = "".join(",".join(row) + "\n" for row in table).encode()
    path.write_bytes(b"a,b,c\n" + rows)
    found = list(parts(path, size=size))
    assert b"".join(part.body.removeprefix(b"a,b,c\n") for part in found) == rows
    assert all(part.body.startswith(b"a,b,c\n") and part.body.count(b'"') % 2 == 0 for part in found)
    assert [part.last for part in found] == [False] * (len(found) - 1) + [True] * bool(found)
    for part in found:
        assert list(parts(path, part.end, size)) == found[found.index(part) + 1 :]


def test_what_is_no_table_comes_whole(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_bytes(b"[\n" + b"1,\n" * 100 + b"1]")
    assert list(parts(tmp_path / "page.json", size=10)) == [Part(b"[\n" + b"1,\n" * 100 + b"1]", 304, last=True)]


async def test_a_broken_off_backfill_goes_on_where_it_ended(
    broker: Broker, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "__defaults__", (0, 200))
    (tmp_path / "n.csv").write_text("n\n" + "".join(f"{number:04}\n" for number in range(1000)) + "bad\n")

    class Interrupt(Exception):
        pass

    def interrupt(progress: object) -> None:
        if len(recorder.stored) > 300:
            raise Interrupt

    with pytest.raises(Interrupt):
        await backfill(source(), broker, [tmp_path / "n.csv"], Journal(tmp_path / "journal"), interrupt)
    stored = len(recorder.stored)
    assert 300 < stored < 400
    done = await backfill(source(), broker, [tmp_path / "n.csv"], Journal(tmp_path / "journal"), lambda progress: None)
    assert (done.entities, done.set_aside) == (1000 - stored, 1)
    assert done.done == done.total
    assert sorted(entity["id"][-4:] for entity in recorder.stored) == [f"{number:04}" for number in range(1000)]
    again = await backfill(source(), broker, [tmp_path / "n.csv"], Journal(tmp_path / "journal"), lambda it: None)
    assert (again.entities, again.set_aside) == (0, 0)


def test_the_command_fills_and_tells(city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"城南,2026/06/19 {hour:02}:00,1.5\n" for hour in range(24))
    (city / "past.csv").write_text(HEADER + rows + "城南,never,1.5\n")
    assert main(["adapters", "backfill", "rain", str(city / "past.csv")]) == 0
    told = capsys.readouterr().err
    assert "100%" in told
    assert "24 entities stored, 1 set aside" in told
    assert len(recorder.of_type("WeatherObserved")) == 24
    assert main(["adapters", "backfill", "nobody", str(city / "past.csv")]) == 1
    assert "no source nobody" in capsys.readouterr().err
    assert main(["adapters", "backfill", "rain", str(city / "missing.csv")]) == 1
    assert "missing.csv" in capsys.readouterr().err


def test_a_personal_source_without_permission_is_not_filled(
    city: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    (city / "log.csv").write_text("時間,施設No,ユーザー情報\n2026-06-19 10:00:00,26,a\n")
    assert main(["adapters", "backfill", "wifi", str(city / "log.csv")]) == 1
    assert "stays silent until it says owner" in capsys.readouterr().err
    assert not recorder.stored
