"""Raw tracks by COPY: a real broker, a real `yukitsuri import`, the same history as through the broker's door."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.__main__ import main
from adapters.backfill import Journal, backfill
from adapters.delivery import Source
from adapters.observations import NotImported, Observations
from adapters.service import doors
from adapters.settings import AdapterSettings
from adapters.sources import bind, read
from adapters.surroundings import surroundings
from tests.bench.ears import bikes
from tests.bench.stack import Stack
from tests.ground import own

SOURCE = """
[[source]]
name = "bikes"
adapter = "bike_gps"
owner = "test"
[source.privacy]
legal_basis = "made up by a test"
profile = "synthetic"
k = 10
restricted_tenant = "{tenant}"
"""


@pytest.fixture(scope="module")
def city() -> Iterator[Stack]:
    with own(Path("data/test-observations")) as folder:
        stack = Stack(folder)
        yield stack
        stack.close()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("day") / "day.csv"
    bikes(path, 2000, fleet=5)
    return path


def chosen(folder: Path, city: Stack, tenant: str) -> tuple[AdapterSettings, Source]:
    folder.mkdir(exist_ok=True)
    (folder / "sources.toml").write_text(SOURCE.format(tenant=tenant))
    settings = AdapterSettings(broker_url=city.broker.url, data=folder / "data", sources=folder / "sources.toml")
    (declaration,) = read(settings)
    return settings, bind(declaration, surroundings(settings))


async def tracks(city: Stack, tenant: str) -> dict[str, Any]:
    """Positions by time, of all vehicles together: their pseudonyms are the data folder's."""
    headers = {
        "NGSILD-Tenant": tenant,
        "Link": f'<{city.broker.url}/contexts/kanazawa.jsonld>; rel="http://www.w3.org/ns/json-ld#context"',
    }
    asked = {"type": "Vehicle", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "attrs": "location,serviceStatus"}
    async with httpx.AsyncClient(headers=headers) as client:
        told = await client.get(f"{city.broker.url}/ngsi-ld/v1/temporal/entities", params=asked)
        now = await client.get(
            f"{city.broker.url}/ngsi-ld/v1/entities", params={"type": "Vehicle", "options": "sysAttrs"}
        )
    found: list[Any] = []
    for vehicle in told.raise_for_status().json():
        instances = vehicle["location"] if isinstance(vehicle["location"], list) else [vehicle["location"]]
        found += [(each["observedAt"], each["value"]["coordinates"]) for each in instances]
    return {"locations": sorted(found), "vehicles": [sorted(each) for each in now.raise_for_status().json()]}


async def test_the_history_is_that_of_the_broker_s_own_door(
    city: Stack, day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL", city.dsn)
    for tenant in ("posted", "copied"):
        settings, source = chosen(tmp_path / tenant, city, tenant)
        copied = Observations(tenant, tmp_path / "copy") if tenant == "copied" else None
        async with doors(settings) as broker:
            journal = Journal(tmp_path / tenant / "journal")
            done = await backfill(source, replace(broker, batch=500), [day], journal, lambda _: None, copied)
        assert done.done == done.total == journal.end(day)
        assert done.entities > 200
    posted, copied_tracks = await tracks(city, "posted"), await tracks(city, "copied")
    assert len(posted["locations"]) > 200
    assert copied_tracks == posted
    assert all("expiresAt" in vehicle for vehicle in copied_tracks["vehicles"])
    assert not list((tmp_path / "copy").iterdir()), "a raw track was left on disk"


async def test_a_part_that_was_not_taken_in_is_not_noted(city: Stack, day: Path, tmp_path: Path) -> None:
    settings, source = chosen(tmp_path, city, "failed")
    failing = Observations("failed", tmp_path / "copy", (sys.executable, "-c", "raise SystemExit('no database')"))
    journal = Journal(tmp_path / "journal")
    async with doors(settings) as broker:
        with pytest.raises(NotImported, match="no database"):
            await backfill(source, broker, [day], journal, lambda _: None, failing)
    assert journal.end(day) == 0


def test_copy_needs_a_restricted_tenant(
    city: Stack, day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen(tmp_path, city, "")
    monkeypatch.setenv("ADAPTERS_SOURCES", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("ADAPTERS_DATA", str(tmp_path / "data"))
    assert main(["adapters", "backfill", "--copy", "bikes", str(day)]) == 1
    assert "restricted_tenant" in capsys.readouterr().err
