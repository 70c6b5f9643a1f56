"""From message to commit: batches, outcomes, quarantine, retries, restarts."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from starlette.responses import JSONResponse, Response

from adapters import backoff
from adapters.contract import Adapter, Decode, DecodeError, Message, Outcome, SourceSettings, Transport
from adapters.delivery import Broker, Source
from adapters.runner import keep_running, pump
from adapters.sink import Sink
from models import Device, Model, urn
from tests.adapters.conftest import until
from tests.adapters.recorder import Recorder, committed

AT = datetime(2026, 6, 19, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once, so that tests do not wait."""
    quick = lambda first=0.2, longest=30.0: iter(lambda: 0.02, None)  # noqa: E731
    for module in ("sink", "runner"):
        monkeypatch.setattr(f"adapters.{module}.delays", quick)


def words(message: Message) -> Iterable[Model | DecodeError]:
    """Each word a device; `bad` is a bad row, `worse` a bad message, `bug` a mistake of the decoder."""
    for word in message.body.decode().split():
        if word == "worse":
            raise DecodeError("word", word, "is worse")
        if word == "bug":
            raise ZeroDivisionError
        yield DecodeError("word", word, "is bad", b"bad") if word == "bad" else device(word)


def device(name: str) -> Device:
    return Device(id=urn("Device", "test", name), observed_at=AT)


def adapter(personal: bool = False) -> Adapter:
    return Adapter("test", "file", SourceSettings, lambda settings, pseudonym: words, personal)


class Tape:
    """A transport that yields the given bodies and remembers how each was settled."""

    def __init__(self, *bodies: str) -> None:
        self.bodies = bodies
        self.outcomes: list[Outcome] = []

    async def __call__(self) -> AsyncIterator[Message]:
        for body in self.bodies:
            yield Message(body.encode(), AT, "tape", settle=self._settle)

    async def _settle(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def source(transport: Transport, decode: Decode = words, personal: bool = False, tenant: str = "") -> Source:
    return Source("tape", adapter(personal), transport, decode, tenant)


async def test_a_message_is_settled_after_the_commit(broker: Broker, recorder: Recorder) -> None:
    tape = Tape("a b")
    await pump(source(tape), broker)
    assert [entity["id"] for entity in recorder.stored] == ["urn:ngsi-ld:Device:test:a", "urn:ngsi-ld:Device:test:b"]
    assert tape.outcomes == [Outcome.COMMITTED]


async def test_waiting_messages_share_a_request(broker: Broker, recorder: Recorder) -> None:
    tape = Tape(*(f"d{number}" for number in range(450)))
    await pump(source(tape), broker)
    assert len(recorder.stored) == 450
    assert len(recorder.requests) < 20
    assert max(len(request) for request in recorder.requests) <= 200
    assert [entity["id"].rsplit(":d")[-1] for entity in recorder.stored] == [str(number) for number in range(450)]


async def test_the_request_speaks_the_agreed_words(broker: Broker, recorder: Recorder) -> None:
    await pump(source(Tape("a"), tenant="city"), broker)
    headers = recorder.headers[0]
    assert headers["query"] == "options=update,keepNewest"
    assert headers["content-type"] == "application/json"
    assert headers["ngsild-tenant"] == "city"
    assert headers["link"] == (
        f'<{recorder.url}/contexts/kanazawa.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; '
        'type="application/ld+json"'
    )


async def test_a_bad_row_is_set_aside_and_its_neighbours_go_through(broker: Broker, recorder: Recorder) -> None:
    tape = Tape("a bad b")
    await pump(source(tape), broker)
    assert len(recorder.stored) == 2
    assert tape.outcomes == [Outcome.PARTIAL]
    assert recorder.quarantine[0]["reason"] == "word: 'bad' is bad"
    assert recorder.raw(0) == b"bad"
    assert recorder.quarantine[0]["metadata"]["kind"] == "row"


@pytest.mark.parametrize("body", ["worse", "bug"])
async def test_a_bad_message_is_set_aside_whole(broker: Broker, recorder: Recorder, body: str) -> None:
    tape = Tape(body, "a")
    await pump(source(tape), broker)
    assert tape.outcomes == [Outcome.REFUSED, Outcome.COMMITTED]
    assert recorder.raw(0) == body.encode()
    assert recorder.quarantine[0]["metadata"] == {
        "adapter": "test",
        "kind": "message",
        "topic": "tape",
        "receivedAt": "2026-06-19T00:00:00Z",
    }


async def test_an_entity_the_broker_refuses_is_set_aside(broker: Broker, recorder: Recorder) -> None:
    refusal = {"entityId": "urn:ngsi-ld:Device:test:b", "error": {"title": "no", "detail": "b is no good"}}
    recorder.answer = lambda entities: JSONResponse(
        {"success": ["urn:ngsi-ld:Device:test:a"], "errors": [refusal]}, 207
    )
    tape = Tape("a", "b")
    await pump(source(tape), broker)
    assert tape.outcomes == [Outcome.COMMITTED, Outcome.REFUSED]
    assert recorder.quarantine[0]["reason"] == "no b is no good"
    assert orjson.loads(recorder.raw(0))["id"] == "urn:ngsi-ld:Device:test:b"
    assert recorder.quarantine[0]["metadata"]["kind"] == "entity"


async def test_an_entity_the_broker_says_nothing_about_is_not_committed(broker: Broker, recorder: Recorder) -> None:
    recorder.answer = lambda entities: JSONResponse({"success": [], "errors": [{"error": {"title": "lost"}}]}, 207)
    tape = Tape("a")
    await pump(source(tape), broker)
    assert tape.outcomes == [Outcome.REFUSED]
    assert "urn:ngsi-ld:Device:test:a" in recorder.raw(0).decode()


async def test_a_record_too_large_for_the_quarantine_keeps_its_beginning(broker: Broker, recorder: Recorder) -> None:
    recorder.quarantine_limit = 20_000
    await pump(source(Tape("worse " + "x" * 50_000)), broker)
    assert recorder.raw(0) == b"worse " + b"x" * 4090
    assert recorder.quarantine[0]["metadata"]["kind"] == "truncated"
    assert recorder.quarantine[0]["metadata"]["size"] == "50006"


async def test_a_decoders_mistake_is_logged_without_what_the_message_said(
    broker: Broker, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    def decode(message: Message) -> Iterable[Model | DecodeError]:
        raise KeyError(message.body.decode())

    await pump(source(Tape("02:00:00:ff:ff:01"), decode, personal=True), broker)
    assert "KeyError" in caplog.text
    assert "02:00" not in caplog.text
    assert "02:00" not in str(recorder.quarantine)


async def test_a_request_refused_whole_is_halved_down_to_the_guilty(broker: Broker, recorder: Recorder) -> None:
    def answer(entities: list[dict[str, object]]) -> Response:
        guilty = any(str(entity["id"]).endswith(":d7") for entity in entities)
        return JSONResponse({"title": "too much"}, 413) if guilty else committed(entities)

    recorder.answer = answer
    tape = Tape(" ".join(f"d{number}" for number in range(50)))
    await pump(source(tape), broker)
    assert len(recorder.stored) == 49
    assert [record["reason"] for record in recorder.quarantine] == ["413 too much"]


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404])
async def test_what_may_pass_is_tried_again(broker: Broker, recorder: Recorder, status: int) -> None:
    refusals = iter([status] * 3)
    recorder.answer = lambda entities: Response(status_code=next(refusals, 204))
    tape = Tape("a")
    await pump(source(tape), broker)
    assert len(recorder.requests) == 4
    assert tape.outcomes == [Outcome.COMMITTED]
    assert recorder.quarantine == []


async def test_nothing_is_settled_while_the_broker_is_away() -> None:
    tape = Tape("a", "b")
    async with httpx.AsyncClient() as client:
        away = Broker(Sink(client, "http://127.0.0.1:9"), None)  # type: ignore[arg-type]
        task = asyncio.create_task(pump(source(tape), away))
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert tape.outcomes == []


async def test_reading_stops_when_the_queue_is_full(recorder: Recorder) -> None:
    read = 0

    async def endless() -> AsyncIterator[Message]:
        nonlocal read
        while True:
            read += 1
            yield Message(b"a", AT)

    async with httpx.AsyncClient() as client:
        away = Broker(Sink(client, "http://127.0.0.1:9"), None, batch=10, queue=20)  # type: ignore[arg-type]
        task = asyncio.create_task(pump(source(endless), away))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert read <= 20 + 20 + 2


async def test_a_failing_source_starts_again_and_disturbs_nobody(broker: Broker, recorder: Recorder) -> None:
    attempts = 0

    async def flaky() -> AsyncIterator[Message]:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise ConnectionError("lost")
        yield Message(b"flaky", AT)

    tape = Tape("steady")
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_running(source(flaky), broker))
        group.create_task(keep_running(source(tape), broker))
        await until(lambda: len(recorder.stored) == 2)
    assert attempts == 4


async def test_a_personal_source_leaves_only_shapes_in_quarantine(broker: Broker, recorder: Recorder) -> None:
    def decode(message: Message) -> Iterable[Model | DecodeError]:
        yield DecodeError("端末", "02:00:00:ff:ff:01 taro@example.jp", "is bad", b"02:00:00:ff:ff:01,taro@example.jp")
        raise DecodeError("file", "山田", "is worse")

    await pump(source(Tape("02-00-00-FF-FF-01,山田太郎,090-1234-5678"), decode, personal=True), broker)
    assert [recorder.raw(0), recorder.raw(1)] == [
        b"99:99:99:xx:xx:99,xxxx@xxxxxxx.xx",
        b"99-99-99-xx-xx-99,xxxx,999-9999-9999",
    ]
    assert all("taro" not in record["reason"] and "ff" not in record["reason"] for record in recorder.quarantine)
    assert {record["metadata"]["kind"] for record in recorder.quarantine} == {"redacted"}


def test_pauses_grow_and_are_bounded() -> None:
    pauses = backoff.delays(first=1.0, longest=8.0)
    found = [next(pauses) for _ in range(20)]
    assert all(0.5 * ceiling <= pause <= ceiling for pause, ceiling in zip(found, [1, 2, 4, 8] + [8] * 16, strict=True))
