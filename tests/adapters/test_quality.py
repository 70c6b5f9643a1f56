"""The quality gate: what it finds, what it does about it, and the score of a station's day."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.contract import Adapter, Message, Restricted, SourceSettings
from adapters.delivery import Broker, Source
from adapters.quality.area import Area
from adapters.quality.gate import Gate
from adapters.quality.rules import TypeRules
from adapters.quality.score import Scores
from adapters.runner import pump
from adapters.settings import AdapterSettings
from adapters.sources import SourceError, read
from models import Point, WeatherObserved, urn
from tests.adapters.recorder import Recorder
from tests.models.schema import SCHEMAS

AT = datetime(2026, 6, 19, 3, 0, tzinfo=UTC)
SQUARE = [[[136.0, 36.0], [137.0, 36.0], [137.0, 37.0], [136.0, 37.0], [136.0, 36.0]]]
HOLE = [[136.4, 36.4], [136.6, 36.4], [136.6, 36.6], [136.4, 36.6], [136.4, 36.4]]


def weather(temperature: float | None = 20.0, minutes: float = 0, place: Point | None = None) -> dict[str, Any]:
    return WeatherObserved(
        id=urn("WeatherObserved", "t", "1"),
        observed_at=AT + timedelta(minutes=minutes),
        temperature=temperature,
        location=place,
    ).to_ngsi()


def gate(**rules: Any) -> Gate:
    return Gate("t", {"WeatherObserved": TypeRules.model_validate(rules)}, Scores())


def found(gate: Gate, entity: dict[str, Any], received_at: datetime | None = None) -> set[tuple[str, str]]:
    at = received_at or datetime.fromisoformat(entity["dateObserved"]["value"])
    return {each[:2] for each in gate.examine(entity, at).findings}


@pytest.mark.parametrize(("value", "bad"), [(-20, False), (45, False), (45.1, True), (-20.1, True)])
def test_range(value: float, bad: bool) -> None:
    rules = gate(attributes={"temperature": {"range": [-20, 45]}})
    assert found(rules, weather(value)) == ({("temperature", "range")} if bad else set())


def test_rate_of_change_is_per_minute_and_between_neighbours_in_time() -> None:
    rules = gate(attributes={"temperature": {"rate": 0.5}})
    assert found(rules, weather(20, 0)) == set()
    assert found(rules, weather(25, 10)) == set()
    assert found(rules, weather(31, 20)) == {("temperature", "rate")}
    assert found(rules, weather(0, 5)) == set()  # it is late and has no neighbour we know
    assert found(rules, weather(31, 20)) == set()  # the same again is no change


def test_an_absurd_value_is_not_what_the_next_one_is_measured_against() -> None:
    rules = gate(attributes={"temperature": {"range": [-20, 45], "rate": 0.5}})
    assert found(rules, weather(20, 0)) == set()
    assert found(rules, weather(900, 10)) == {("temperature", "range")}
    assert found(rules, weather(21, 20)) == set()


def test_a_value_that_never_moves_is_stuck() -> None:
    rules = gate(attributes={"temperature": {"stuck": 2}})
    assert [found(rules, weather(20, minutes)) for minutes in (0, 60, 120)] == [set()] * 3
    assert found(rules, weather(20, 121)) == {("temperature", "stuck")}
    assert found(rules, weather(20.1, 130)) == set()
    assert found(rules, weather(20.1, 250)) == set()


def test_future_and_stale() -> None:
    rules = gate(future=60, stale=3600)
    assert found(rules, weather(), AT - timedelta(seconds=60)) == set()
    assert ("temperature", "future") in found(rules, weather(), AT - timedelta(seconds=61))
    assert found(rules, weather(), AT + timedelta(seconds=3600)) == set()
    assert ("temperature", "stale") in found(rules, weather(), AT + timedelta(seconds=3601))


@pytest.mark.parametrize("wrap", ["geometry", "Feature", "FeatureCollection", "MultiPolygon"])
def test_a_place_outside_the_city(tmp_path: Path, wrap: str) -> None:
    document: dict[str, Any] = {"type": "Polygon", "coordinates": [*SQUARE, HOLE]}
    if wrap == "MultiPolygon":
        document = {"type": "MultiPolygon", "coordinates": [[*SQUARE, HOLE]]}
    elif wrap != "geometry":
        document = {"type": "Feature", "geometry": document, "properties": {}}
        document = {"type": wrap, "features": [document]} if wrap == "FeatureCollection" else document
    (tmp_path / "city.geojson").write_bytes(orjson.dumps(document))
    rules = gate(area=tmp_path / "city.geojson")
    assert found(rules, weather(place=Point(136.2, 36.2))) == set()
    assert found(rules, weather(place=Point(136.5, 36.5))) == {("location", "area")}  # in the hole
    assert found(rules, weather(place=Point(137.2, 36.2))) == {("location", "area")}
    assert found(rules, weather()) == set()


@pytest.mark.parametrize("text", ["", "{}", '{"type": "Point", "coordinates": [1, 2]}', '{"type": "Polygon"}', "[]"])
def test_a_file_without_a_polygon_is_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "city.geojson").write_text(text)
    with pytest.raises(ValueError, match=r"city\.geojson"):
        Area(tmp_path / "city.geojson")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"type": 5}', '{"allOf": [{"$ref": "https://smart-data-models.github.io/no-such.json"}]}']
)
def test_what_is_no_schema_is_refused_before_anything_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "S.json").write_text(text)
    with pytest.raises(ValueError, match=r"S\.json: "):
        gate(schema=tmp_path / "S.json")


def test_the_schema_of_the_smart_data_model() -> None:
    rules = gate(schema=SCHEMAS / "WeatherObserved.json")
    assert found(rules, weather()) == {("id", "schema")}  # the place is required
    here = Point(136.6, 36.5)
    assert found(rules, weather(place=here)) == set()
    humid = weather(place=here) | {
        "relativeHumidity": {"type": "Property", "value": 61, "observedAt": "2026-06-19T03:00:00Z"}
    }
    assert found(rules, humid) == {("relativeHumidity", "schema")}


def test_flagging_marks_the_attribute_and_only_it() -> None:
    entity = weather(99)
    verdict = gate(mode="flag", attributes={"temperature": {"range": [-20, 45]}}).examine(entity, AT)
    assert not verdict.rejected
    assert entity["temperature"]["quality"] == {"type": "Property", "value": ["range"]}
    assert "quality" not in entity["dateObserved"]


def test_a_day_has_a_score_that_survives_a_restart(tmp_path: Path) -> None:
    rules = {"WeatherObserved": TypeRules.model_validate({"attributes": {"temperature": {"range": [-20, 45]}}})}
    first = Gate("t", rules, Scores(tmp_path / "quality.json"))
    for minute in range(3):
        first.examine(weather(20, minute), AT)
    first.examine(weather(99, 3), AT)
    (told,) = first.scores(AT)
    assert told["id"] == "urn:ngsi-ld:DataQualityAssessment:t:WeatherObserved:t:1:2026-06-19"
    assert told["assesses"]["object"] == "urn:ngsi-ld:WeatherObserved:t:1"
    assert (told["score"]["value"], told["assessedReadings"]["value"]) == (0.875, 8)  # dateObserved is a reading too
    assert told["findings"]["value"] == {"range": 1}
    assert first.scores(AT + timedelta(seconds=30)) == []
    again = Gate("t", rules, Scores(tmp_path / "quality.json"))
    again.examine(weather(20, 5), AT)
    assert again.scores(AT + timedelta(minutes=1))[0]["assessedReadings"]["value"] == 10
    again.examine(weather(20, 5), AT + timedelta(days=1))
    assert again.scores(AT + timedelta(days=1))[0]["id"].endswith(":2026-06-20")


def decode(message: Message) -> Any:
    for number, value in enumerate(message.body.decode().split()):
        item = WeatherObserved(id=urn("WeatherObserved", "t", str(number)), observed_at=AT, temperature=float(value))
        yield Restricted(item, AT) if value == "77" else item


def source(gate: Gate, body: bytes) -> Source:
    async def tape() -> AsyncIterator[Message]:
        yield Message(body, AT)

    adapter = Adapter("t", "file", SourceSettings, lambda settings, privacy: decode)
    return Source("t", adapter, tape, decode, restricted_tenant="closed", gate=gate)


async def test_what_is_rejected_is_in_quarantine_and_its_neighbours_are_stored(
    broker: Broker, recorder: Recorder
) -> None:
    rules = gate(mode="reject", attributes={"temperature": {"range": [-20, 45]}})
    await pump(source(rules, b"20 99 21 77"), broker)
    assert [entity["temperature"]["value"] for entity in recorder.of_type("WeatherObserved")] == [20, 21, 77]
    (record,) = recorder.quarantine
    assert record["reason"] == "quality: temperature 99 lies outside -20 to 45 (range)"
    assert orjson.loads(recorder.raw(0))["temperature"]["value"] == 99
    assert len(recorder.of_type("DataQualityAssessment")) == 3
    assert broker.metrics.of("t").flagged == 1


def test_rules_stand_in_the_source_file(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(
        '[quality.WeatherObserved]\nmode = "flag"\narea = "${folder}/city.geojson"\n'
        "[quality.WeatherObserved.attributes]\ntemperature = { range = [-20, 45], rate = 0.5 }\n"
        '[[source]]\nname = "rain"\nadapter = "rain_gauge"\n'
        '[[source]]\nname = "other"\nadapter = "rain_gauge"\nquality = { WeatherObserved = { mode = "reject" } }\n'
    )
    first, second = read(AdapterSettings(sources=path))
    assert first.quality["WeatherObserved"].area == tmp_path / "city.geojson"
    assert second.quality["WeatherObserved"].mode == "reject"
    path.write_text('[quality.WeatherObserved]\nmode = "maybe"\n')
    with pytest.raises(SourceError, match="mode"):
        read(AdapterSettings(sources=path))
