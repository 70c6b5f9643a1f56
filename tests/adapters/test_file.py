"""The watched folder: stable files only, put away by outcome, personal ones not kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.contract import Message, Outcome
from adapters.delivery import Broker, Source
from adapters.privacy.guard import Privacy
from adapters.registry import load
from adapters.runner import pump
from adapters.transports.file import FileSettings, watch
from tests.adapters.cases import HOUSE, pseudonym
from tests.adapters.conftest import until
from tests.adapters.recorder import Recorder

QUICK = FileSettings(every=0.05)
RAIN = (HOUSE / "rain_gauge/examples/municipal_cp932/input.csv").read_bytes()


@asynccontextmanager
async def watched(folder: Path, broker: Broker, name: str = "rain_gauge", **settings: object) -> AsyncIterator[None]:
    adapter = load(name)
    decode = adapter.decoder(adapter.settings(), Privacy(pseudonym))
    via = QUICK.model_copy(update=settings)
    task = asyncio.create_task(
        pump(Source(name, adapter, lambda: watch(via, folder, adapter.personal), decode), broker)
    )
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_file_is_stored_and_moved_to_done(tmp_path: Path, broker: Broker, recorder: Recorder) -> None:
    (tmp_path / "rain.csv").write_bytes(RAIN)
    async with watched(tmp_path, broker):
        await until((tmp_path / "done/rain.csv").exists)
    assert {entity["name"]["value"] for entity in recorder.stored} == {"駅西", "城南", "浅野川"}
    assert (tmp_path / "done/rain.csv").read_bytes() == RAIN


async def test_an_unreadable_file_is_set_aside_and_moved_to_failed(
    tmp_path: Path, broker: Broker, recorder: Recorder
) -> None:
    (tmp_path / "bad.csv").write_bytes(b"\x80\xff\xff")
    async with watched(tmp_path, broker):
        await until((tmp_path / "failed/bad.csv").exists)
    assert recorder.raw(0) == b"\x80\xff\xff"
    assert "cp932" in recorder.quarantine[0]["reason"]


async def test_a_growing_file_is_left_until_it_stands_still(tmp_path: Path, broker: Broker, recorder: Recorder) -> None:
    path = tmp_path / "rain.csv"
    async with watched(tmp_path, broker, every=0.2):
        with path.open("ab") as file:
            for start in range(0, len(RAIN), 20):
                file.write(RAIN[start : start + 20])
                file.flush()
                await asyncio.sleep(0.05)
        await until((tmp_path / "done/rain.csv").exists)
    assert len(recorder.stored) == 3
    assert recorder.quarantine == []


@pytest.mark.parametrize("name", [".hidden.csv", "rain.csv.part", "rain.tmp"])
async def test_unfinished_files_are_left_alone(tmp_path: Path, broker: Broker, recorder: Recorder, name: str) -> None:
    (tmp_path / name).write_bytes(RAIN)
    (tmp_path / "other.csv").write_bytes(RAIN)
    async with watched(tmp_path, broker):
        await until((tmp_path / "done/other.csv").exists)
        await asyncio.sleep(0.2)
    assert (tmp_path / name).exists()


async def test_a_file_too_large_is_set_aside(tmp_path: Path, broker: Broker, recorder: Recorder) -> None:
    (tmp_path / "rain.csv").write_bytes(RAIN)
    async with watched(tmp_path, broker, max_bytes=100):
        await until((tmp_path / "failed/rain.csv").exists)
    assert "larger than 100 bytes" in recorder.quarantine[0]["reason"]
    assert recorder.stored == []


async def test_a_file_that_is_taken_away_before_its_turn_stops_nobody(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_bytes(RAIN)
    messages = watch(QUICK, tmp_path, False)
    first = await anext(messages)
    (tmp_path / "b.csv").unlink()
    await first.settle(Outcome.COMMITTED)
    assert (await anext(messages)).topic == "c.csv"
    await messages.aclose()


async def test_a_file_replaced_while_it_is_read_has_its_own_turn(tmp_path: Path) -> None:
    path = tmp_path / "rain.csv"
    path.write_bytes(b"old")
    messages = watch(QUICK, tmp_path, False)
    first = await anext(messages)
    path.write_bytes(b"newer")
    await first.settle(Outcome.COMMITTED)
    second: Message = await anext(messages)
    assert (first.body, second.body) == (b"old", b"newer")
    await second.settle(Outcome.COMMITTED)
    assert (tmp_path / "done/rain.csv").read_bytes() == b"newer"
    await messages.aclose()  # type: ignore[attr-defined]


async def test_a_personal_file_is_deleted_when_stored_and_kept_for_repair_when_not(
    tmp_path: Path, broker: Broker, recorder: Recorder
) -> None:
    good = (HOUSE / "wifi/examples/association/input.csv").read_bytes()
    bad = (HOUSE / "wifi/examples/hostile_rows/input.csv").read_bytes()
    (tmp_path / "good.csv").write_bytes(good)
    (tmp_path / "02-00-00-ff-ff-01.csv").write_bytes(bad)
    async with watched(tmp_path, broker, "wifi"):
        await until((tmp_path / "failed/02-00-00-ff-ff-01.csv").exists)
        await until(lambda: not (tmp_path / "good.csv").exists())
    assert not (tmp_path / "done").exists()
    assert not (tmp_path / "failed/good.csv").exists()
    assert (tmp_path / "failed").stat().st_mode & 0o077 == 0
    assert "02-00-00" not in str(recorder.quarantine).lower()
