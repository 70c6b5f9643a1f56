"""`adapters new NAME`: the folder of an adapter that works and passes its own example, to be changed from there."""

import re
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9_]*")

FILES = {
    "__init__.py": "",
    "adapter.py": '''"""{title}."""

from {package}.decode import decode
from adapters.contract import Adapter, SourceSettings

ADAPTER = Adapter("{name}", transport="file", settings=SourceSettings, decoder=lambda settings, privacy: decode)
''',
    "decode.py": '''"""{title}: a CSV with a code, a Japanese time and a temperature in °C, to WeatherObserved."""

from collections.abc import Iterator

from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range, number
from adapters.codecs.table import rows
from adapters.contract import DecodeError, Message
from models import Model, WeatherObserved, urn

COLUMNS = {{"code": ("局番号",), "time": ("日時",), "temperature": ("気温",)}}


def decode(message: Message) -> Iterator[Model | DecodeError]:
    for row in rows(message.body, COLUMNS, ("code", "time")):
        try:
            if isinstance(row, DecodeError):
                raise row
            yield WeatherObserved(
                id=urn("WeatherObserved", "{name}", row.cells["code"]),
                observed_at=plausible("日時", local("日時", row.cells["time"]), message.received_at),
                temperature=number("気温", row.cells.get("temperature"), Range(-40, 50)),
            )
        except DecodeError as error:
            yield error.of_row(error.raw or row.raw)
''',
    "README.md": """# {name}

**Takes** files in `${{data}}/inbox/<source>/`: CSV with 局番号, 日時 (Japanese time), 気温 (°C).

**Gives** `WeatherObserved`: temperature.
""",
    "examples/ok/input.csv": "局番号,日時,気温(℃)\n01,2026/06/19 12:40,21.5\n",
    "examples/hostile/input.csv": "局番号,日時,気温(℃)\n01,yesterday,21.5\n02,2026/06/19 12:40,999\n",
}

POINT = """
[project.entry-points."yukitsuri.adapters"]
{name} = "{package}.adapter:ADAPTER"
"""


def scaffold(name: str, parent: Path) -> list[Path]:
    """Writes the folder; returns its files. Raises ValueError for a bad name, FileExistsError when it is there."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r}: the name of an adapter is made of a-z, 0-9 and _ and begins with a letter")
    folder = parent / name
    folder.mkdir(parents=True, exist_ok=False)
    words = {"name": name, "package": package(name, parent), "title": name.replace("_", " ").capitalize()}
    written = []
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text if path.endswith(".csv") else text.format(**words), encoding="utf-8")
        written.append(folder / path)
    return written


def package(name: str, parent: Path) -> str:
    """The dotted name of the folder: `adapters.<name>` inside the house, `<name>` elsewhere."""
    return f"adapters.{name}" if parent.resolve() == Path(__file__).parent else name
