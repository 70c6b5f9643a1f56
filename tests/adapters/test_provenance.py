"""Provenance, and what is not said twice."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse

from adapters.constants import AGAIN, Constants
from adapters.contract import Adapter, Message, SourceSettings
from adapters.delivery import Broker, Source
from adapters.provenance import Provenance
from adapters.runner import pump
from models import Model, WeatherObserved, urn
from tests.adapters.recorder import Recorder, committed

AT = datetime(2026, 6, 19, tzinfo=UTC)


def stamped(provenance: Provenance, **members: Any) -> dict[str, Any]:
    entity = {"id": "urn:ngsi-ld:Device:a", "type": "Device"} | members
    provenance.stamp(entity)
    return entity


def test_an_entity_says_where_it_comes_from() -> None:
    assert stamped(Provenance("rain", "金沢市", "CC-BY-4.0", 1))["source"] == {
        "type": "Property",
        "value": "rain",
        "dataProvider": {"type": "Property", "value": "金沢市"},
        "license": {"type": "Property", "value": "CC-BY-4.0"},
        "confidentialityLevel": {"type": "Property", "value": 1},
    }
    assert set(stamped(Provenance("rain", "", "", 3))["source"]) == {"type", "value", "confidentialityLevel"}


def test_an_entity_that_names_its_source_keeps_it() -> None:
    told = stamped(Provenance("rain", "金沢市", "", 3), source={"type": "Property", "value": "https://example.jp"})
    assert told["source"]["value"] == "https://example.jp"
    assert told["source"]["dataProvider"]["value"] == "金沢市"


def decode(message: Message) -> Iterator[Model]:
    for number, word in enumerate(message.body.decode().split()):
        name, value = word.split("=")
        at = message.received_at + timedelta(minutes=number)
        yield WeatherObserved(id=urn("WeatherObserved", "t", "1"), observed_at=at, name=name, temperature=float(value))


def source(constants: Constants, *bodies: str) -> Source:
    async def tape() -> AsyncIterator[Message]:
        for number, body in enumerate(bodies):
            yield Message(body.encode(), AT + timedelta(hours=number))

    adapter = Adapter("t", "file", SourceSettings, lambda settings, privacy: decode)
    return Source("t", adapter, tape, decode, constants=constants)


def names(recorder: Recorder) -> list[str | None]:
    return [entity.get("name", {}).get("value") for entity in recorder.stored]


async def test_what_does_not_change_is_posted_once(broker: Broker, recorder: Recorder) -> None:
    constants = Constants()
    for body in ("a=1", "a=2", "b=3", "b=4", "a=5"):
        await pump(source(constants, body), broker)
    assert names(recorder) == ["a", None, "b", None, "a"]
    assert [entity["temperature"]["value"] for entity in recorder.stored] == [1, 2, 3, 4, 5]


async def test_what_was_not_committed_is_posted_again(broker: Broker, recorder: Recorder) -> None:
    constants = Constants()
    recorder.answer = lambda entities: JSONResponse(
        {"success": [], "errors": [{"entityId": entities[0]["id"], "error": {"title": "no"}}]}, 207
    )
    await pump(source(constants, "a=1"), broker)
    recorder.answer = committed
    await pump(source(constants, "a=2"), broker)
    assert names(recorder) == ["a"]
    assert b'"name"' in recorder.raw(0)


async def test_what_says_nothing_new_is_not_posted(broker: Broker, recorder: Recorder) -> None:
    constants = Constants()
    adapter = Adapter("t", "file", SourceSettings, lambda settings, privacy: fixed)

    def fixed(message: Message) -> Iterator[Model]:
        yield WeatherObserved(id=urn("WeatherObserved", "t", "1"), name="a")

    for _ in range(3):
        await pump(Source("t", adapter, source(constants, "x").transport, fixed, constants=constants), broker)
    assert len(recorder.stored) == 1


def test_everything_is_said_again_after_an_hour() -> None:
    now = [1.0]
    constants = Constants(clock=lambda: now[0])
    entity = {"id": "urn:a:1", "type": "T", "name": {"type": "Property", "value": "a"}}
    assert constants.trimmed(entity, "") == entity
    constants.committed(entity, "")
    assert constants.trimmed(entity, "") == {"id": "urn:a:1", "type": "T"}
    assert constants.trimmed(entity, "other") == entity
    now[0] += AGAIN + 1
    assert constants.trimmed(entity, "") == entity
