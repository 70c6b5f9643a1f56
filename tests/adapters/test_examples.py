"""Every example of every source: what its decoder makes of it, and that the schemas accept the result."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.adapters.cases import SOURCES, Case, all_cases, decoded
from tests.models.schema import mistakes

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

# FORMATS tells why: a valid negative PM2.5 breaks the schema's minimum, a bike between places has none, and GBFS tells
# the name and the place in one document and the state in another.
# A stop that is skipped has no remaining time.
KNOWN = re.compile(
    r"\$\.pm25: -[\d.]+ is less than the minimum of 0|\$: '(?:location|remainingTime)' is a required property"
)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_example(case: Case) -> None:
    assert decoded(case) == json.loads((case.folder / "expected.json").read_text())


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_entities_of_the_example_pass_their_schema(case: Case) -> None:
    for entity in json.loads((case.folder / "expected.json").read_text())["entities"]:
        found = set(mistakes(entity))
        assert not [each for each in found if not KNOWN.fullmatch(each)]
        assert not found or entity["type"] in ("AirQualityObserved", "Vehicle", "ArrivalEstimation")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_folder_is_complete(source: Path) -> None:
    """Adapter, decoder, README, an example that works and one that is refused, and an entry point."""
    for name in ("adapter.py", "decode.py", "README.md"):
        assert (source / name).is_file(), name
    results = [json.loads(path.read_text()) for path in source.glob("examples/*/expected.json")]
    assert any(result["entities"] for result in results), "no example that works"
    assert any(result["errors"] for result in results), "no example that is refused"
    points = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]["yukitsuri.adapters"]
    assert points[source.name] == f"adapters.{source.name}.adapter:ADAPTER"
