"""The privacy report: every published cell with its k, and how much was withheld."""

from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.privacy.crowd import CLOSED
from adapters.privacy.store import PrivacyStore, Publication
from models import zulu


def report(store: PrivacyStore, source: str) -> Iterator[str]:
    """CSV: one row per cell that was published, then the sums as notes."""
    cells = [each for each in store.published(source) if each.destination != CLOSED]
    shown = [each.value for each in cells if each.value is not None]
    yield "source,cell,destination,from,until,persons,k"
    for each in cells:
        yield ",".join((source, each.cell, each.destination, *_times(each), _persons(each), str(each.k)))
    smallest = f"; the smallest published number is {min(shown)}" if shown else ""
    yield f"# {source}: {len(shown)} published, {len(cells) - len(shown)} withheld{smallest}"


def _persons(each: Publication) -> str:
    return "withheld" if each.value is None else str(each.value)


def _times(each: Publication) -> tuple[str, str]:
    return zulu(datetime.fromtimestamp(each.start, UTC)), zulu(datetime.fromtimestamp(each.finish, UTC))
