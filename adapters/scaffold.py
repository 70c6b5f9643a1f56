"""`adapters new NAME`: the folder of an adapter that works and passes its own example, to be changed from there."""

import re
import sys
from keyword import iskeyword
from pathlib import Path
from shlex import quote

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

PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{project}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["yukitsuri"]
{point}
[tool.hatch.build.targets.wheel]
packages = ["{top}"]
"""


def scaffold(name: str, parent: Path) -> list[Path]:
    """Writes the folder, and a project around it where there is none; returns the files.

    Raises ValueError for a bad name, FileExistsError when the folder is there.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r}: the name of an adapter is made of a-z, 0-9 and _ and begins with a letter")
    folder, module = parent / name, package(name, parent)
    if not all(part.isidentifier() and not iskeyword(part) for part in module.split(".")):
        raise ValueError(
            f"{parent}: Python imports no {module}; folders are made of a-z, 0-9 and _, and no word of its own"
        )
    folder.mkdir(parents=True, exist_ok=False)
    words = {"name": name, "package": module, "title": name.replace("_", " ").capitalize()}
    written = []
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text if path.endswith(".csv") else text.format(**words), encoding="utf-8")
        written.append(folder / path)
    return [*written, *_project(name, parent, module)]


def _project(name: str, parent: Path, module: str) -> list[Path]:
    """The pyproject.toml that publishes the adapter, unless there is one to add a line to."""
    path, top = _root(parent) / "pyproject.toml", module.partition(".")[0]
    if path.exists():
        return []
    point = POINT.format(name=name, package=module)
    path.write_text(PROJECT.format(project=top.replace("_", "-"), top=top, point=point), encoding="utf-8")
    return [path]


def package(name: str, parent: Path) -> str:
    """The dotted name of the folder, from the project's root."""
    return ".".join([*parent.resolve().relative_to(_root(parent)).parts, name])


def next_steps(name: str, parent: Path) -> str:
    """What is left to do after scaffold()."""
    root = _root(parent)
    line = f'{name} = "{package(name, parent)}.adapter:ADAPTER"'
    published = line in (root / "pyproject.toml").read_text(encoding="utf-8")
    publish = (
        ""
        if published
        else f"Publish it in {root / 'pyproject.toml'}:\n{POINT.format(name=name, package=package(name, parent))}\n"
    )
    return f"""
{publish}Make it known, and its examples its tests:

    {sys.executable} -m pip install --no-build-isolation --no-deps -e {quote(str(root))}
    yukitsuri adapters test {name} --write
"""


def _root(parent: Path) -> Path:
    """The nearest folder with a pyproject.toml, else the current one, else `parent`."""
    parent = parent.resolve()
    around = (parent, *parent.parents)
    project = next((folder for folder in around if (folder / "pyproject.toml").exists()), None)
    return project or (Path.cwd() if Path.cwd() in around else parent)
