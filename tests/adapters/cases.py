"""The examples of every source folder of the house."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import adapters
from adapters import examples
from adapters.contract import Adapter
from adapters.examples import RECEIVED_AT as RECEIVED_AT
from adapters.examples import pseudonym as pseudonym

HOUSE = Path(adapters.__file__).parent
SOURCES = sorted(path.parent for path in HOUSE.glob("*/adapter.py"))


class Case(NamedTuple):
    source: str
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.source}-{self.folder.name}"


def all_cases() -> list[Case]:
    folders = [(source.name, folder) for source in SOURCES for folder in sorted((source / "examples").glob("*/"))]
    return [Case(source, folder) for source, folder in folders]


def adapter_of(source: str) -> Adapter:
    """The adapter of a source folder, whether or not its entry point is installed already."""
    adapter: Adapter = import_module(f"adapters.{source}.adapter").ADAPTER
    return adapter


def decoded(case: Case) -> dict[str, Any]:
    """What the adapter makes of the case's input, in the form of expected.json."""
    return examples.decoded(adapter_of(case.source), case.folder)
