"""The spool: in order, synced, bounded; and a source that goes through it while the broker is away."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from adapters.contract import Adapter, Decode, DecodeError, Message, Outcome, SourceSettings
from adapters.delivery import Broker, Source
from adapters.runner import pump
from adapters.spool import Spool, SpoolFull
from models import Device, Model, urn
from tests.adapters.conftest import until
from tests.adapters.recorder import Recorder, committed

AT = datetime(2026, 6, 19, tzinfo=UTC)
MIB = 1 << 20


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db", MIB)
    yield spool
    spool.close()


def message(number: int) -> Message:
    return Message(f"d{number}".encode(), AT + timedelta(seconds=number), "topic", {"continues": "1"})


def words(message: Message) -> Iterable[Model | DecodeError]:
    for word in message.body.decode().split():
        yield (
            DecodeError("word", word, "is bad")
            if word == "bad"
            else Device(id=urn("Device", "test", word), observed_at=message.received_at)
        )


def source(*messages: Message, decode: Decode = words) -> Source:
    async def transport() -> AsyncIterator[Message]:
        for each in messages:
            yield each
            await asyncio.sleep(0)

    adapter = Adapter("test", "file", SourceSettings, lambda settings, pseudonym: words)
    return Source("s", adapter, transport, decode, spooled=True)


async def test_what_goes_in_comes_out_in_order_and_unchanged(spool: Spool) -> None:
    await spool.put("a", [message(1), message(2)])
    await spool.put("b", [message(3)])
    await spool.put("a", [message(4)])
    kept = await spool.first("a", 2)
    assert [each.body for _, each in kept] == [b"d1", b"d2"]
    assert kept[0][1].received_at == message(1).received_at
    assert (kept[0][1].topic, kept[0][1].metadata) == ("topic", {"continues": "1"})
    await spool.drop("a", [number for number, _ in kept])
    assert [each.body for _, each in await spool.first("a", 9)] == [b"d4"]
    assert (spool.waiting("a"), spool.waiting("b"), spool.waiting("c")) == (1, 1, 0)


async def test_the_count_is_right_whoever_is_cancelled(spool: Spool) -> None:
    """A thread at work goes on when the one who waits for it is cancelled; a wrong count would never come to rest."""
    for work, left in ((lambda: spool.put("s", [message(1), message(2)]), 2), (lambda: spool.drop("s", [1, 2]), 0)):
        with spool._turn:  # the thread cannot go on before it is cancelled
            task = asyncio.create_task(work())
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait({task})
        async with asyncio.timeout(5):
            while len(await spool.first("s", 10)) != left:
                pass
        assert spool.waiting("s") == left


async def test_it_is_still_there_after_the_process(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.db", MIB)
    await first.put("a", [message(1)])
    first.close()
    again = Spool(tmp_path / "spool.db", MIB)
    assert again.waiting("a") == 1
    assert [each.body for _, each in await again.first("a", 9)] == [b"d1"]
    assert (tmp_path / "spool.db").stat().st_mode & 0o777 == 0o600
    again.close()


def test_two_processes_do_not_share_it(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout, **more: connect(path, timeout=0.1, **more))
    with pytest.raises(OSError, match="locked"):
        Spool(tmp_path / "spool.db", MIB)


async def test_a_full_spool_refuses_and_keeps_what_it_has(spool: Spool) -> None:
    large = replace(message(1), body=bytes(300_000))
    await spool.put("a", [large, large])
    with pytest.raises(SpoolFull):
        await spool.put("a", [message(7), large, large])
    assert spool.waiting("a") == 2
    assert len(await spool.first("a", 9)) == 2
    await spool.drop("a", [number for number, _ in await spool.first("a", 9)])
    await spool.put("a", [large, large])  # freed room is used again


@pytest.fixture
async def away(broker: Broker, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Broker:
    quick = lambda first=0.2, longest=30.0: iter(lambda: 0.02, None)  # noqa: E731
    for module in ("sink", "runner"):
        monkeypatch.setattr(f"adapters.{module}.delays", quick)
    return replace(broker, spool=spool, patience=0.1, batch=10)


async def test_order_is_kept_through_an_absence_and_nothing_is_doubled(away: Broker, recorder: Recorder) -> None:
    taken = 0

    def answer(entities: list[dict[str, object]]) -> Response:
        nonlocal taken
        taken += 1
        return Response(status_code=503) if 3 <= taken < 30 else committed([])

    recorder.answer = answer
    await pump(source(*(message(number) for number in range(500))), away)
    assert [entity["id"].rsplit(":d")[-1] for entity in recorder.stored] == [str(number) for number in range(500)]
    assert away.metrics.of("s").spooled > 0
    assert away.spool is not None
    assert away.spool.waiting("s") == 0


async def test_messages_are_settled_when_the_disk_has_them(away: Broker, recorder: Recorder) -> None:
    recorder.answer = lambda entities: Response(status_code=503)
    outcomes: list[Outcome] = []

    async def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)

    task = asyncio.create_task(pump(source(replace(message(1), settle=settle)), away))
    await until(lambda: outcomes)
    assert outcomes == [Outcome.SPOOLED]
    assert not recorder.stored
    recorder.answer = committed
    await task
    assert len(recorder.stored) == 1


async def test_a_source_that_may_not_be_spooled_waits(away: Broker, recorder: Recorder) -> None:
    recorder.answer = lambda entities: Response(status_code=503)
    task = asyncio.create_task(pump(replace(source(message(1)), spooled=False), away))
    await until(lambda: len(recorder.requests) > 10)
    assert away.spool is not None
    assert away.spool.waiting("s") == 0
    recorder.answer = committed
    await task
    assert len(recorder.stored) == 1


async def test_a_full_spool_holds_the_source_back(away: Broker, recorder: Recorder, tmp_path: Path) -> None:
    recorder.answer = lambda entities: Response(status_code=503)
    read = 0
    large = b"x" * 100_000

    async def endless() -> AsyncIterator[Message]:
        nonlocal read
        while read < 200:
            read += 1
            yield Message(large + b" %d" % read, AT)

    task = asyncio.create_task(pump(replace(source(), transport=endless), replace(away, queue=10, batch=1)))
    await asyncio.sleep(0.5)
    assert read < 40  # a spool of 1 MiB, a queue of 10
    recorder.answer = committed
    await task
    assert len({entity["id"] for entity in recorder.stored}) == 201


async def test_a_stopped_source_carries_what_it_has_read(away: Broker, recorder: Recorder) -> None:
    stop = asyncio.Event()

    async def endless() -> AsyncIterator[Message]:
        for number in range(50):
            yield message(number)
        await asyncio.Event().wait()

    task = asyncio.create_task(pump(replace(source(), transport=endless), away, stop))
    await until(lambda: recorder.stored)
    stop.set()
    await asyncio.wait_for(task, 5)
    assert len(recorder.stored) == 50


async def test_the_broker_that_hangs_up_is_away_too(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.sink import Sink

    async with httpx.AsyncClient() as client:
        broker = Broker(Sink(client, "http://127.0.0.1:9"), None, spool=spool, patience=0.1)  # type: ignore[arg-type]
        task = asyncio.create_task(pump(source(message(1)), broker))
        await until(lambda: spool.waiting("s") == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
