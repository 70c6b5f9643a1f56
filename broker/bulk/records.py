"""Observations in files: CSV, JSON Lines and Parquet, one observation each (id, type, attribute, value, observedAt).

Further columns: unitCode, datasetId, and kind (an attribute type such as Relationship; Property when it is missing).
"""

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from ngsi.errors import BadRequestData, shown
from ngsi.json_text import check_text

NEEDED: Final = ("id", "type", "attribute", "value", "observedAt")
COLUMNS: Final = (*NEEDED, "unitCode", "datasetId", "kind")
_BATCH: Final = 50_000
_DEEPEST: Final = 50  # levels of arrays and objects in a value, as in a request body


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message says why and what would help."""


# one observation as the file has it: its number (from 1), its columns, now and then the bytes read up to it (else 0)
Line = tuple[int, dict[str, Any], int]


def read(path: Path) -> Iterator[Line]:
    """The observations of a file, in order. Raises UnreadableFile, OSError."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile(f"{path}: the name ends in none of {', '.join(sorted(_READERS))}")
    return reader(path)


def _csv(path: Path) -> Iterator[Line]:
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        try:
            header = next(rows, [])
            _check_columns(path, "the header lacks", header)
            for number, row in enumerate(rows, 1):
                if row:
                    yield number, _cells(header, row), raw.tell() if number % 1000 == 0 else 0
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableFile(f"{path}: {error}; CSV is read as UTF-8") from None


def _check_columns(path: Path, lacks: str, names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UnreadableFile(f"{path}: {lacks} {', '.join(missing)}")


def _cells(header: list[str], row: list[str]) -> dict[str, Any]:
    if any(row[len(header) :]):
        return {"error": f"the line has {len(row)} cells, the header {len(header)}"}
    columns: dict[str, Any] = dict(zip(header, row, strict=False))
    value = columns.pop("value", "")
    if value:  # an empty cell is none
        columns["value"] = value_of_cell(value)
    return columns


def _json_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as raw:
        for number, line in enumerate(raw, 1):
            if line.strip():
                yield number, _object(line.removeprefix(BOM_UTF8)), raw.tell() if number % 1000 == 0 else 0


def _object(line: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(line)
        check_text(line, _DEEPEST, "the line")
    except orjson.JSONDecodeError as error:
        return {"error": f"not JSON: {error}"}
    except BadRequestData as error:
        return {"error": error.detail}
    return content if isinstance(content, dict) else {"error": "not an object"}


def _parquet(path: Path) -> Iterator[Line]:
    parquet = pyarrow("pyarrow.parquet")
    try:
        file = parquet.ParquetFile(path)
    except ValueError as error:  # pyarrow's ArrowInvalid is one
        raise UnreadableFile(f"{path}: not Parquet ({error})") from None
    _check_columns(path, "the columns lack", file.schema_arrow.names)
    number, size, total = 0, path.stat().st_size, max(1, file.metadata.num_rows)
    try:
        for batch in file.iter_batches(_BATCH):
            for row in batch.to_pylist():
                number += 1
                columns = {name: value for name, value in row.items() if value is not None}
                if "value" in columns:
                    columns["value"] = value_of_cell(columns["value"])
                yield number, columns, size * number // total if number % 1000 == 0 else 0
    except (ValueError, OSError) as error:  # damaged pages, text that is not UTF-8, nanoseconds
        raise UnreadableFile(f"{path}: not readable after row {number} ({error})") from None


def pyarrow(module: str) -> Any:
    """A module of pyarrow, which is optional. Raises UnreadableFile."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise UnreadableFile("Parquet needs pyarrow: pip install pyarrow") from None


def instant(value: Any) -> datetime:
    """observedAt of a file as an instant; raises ValueError without a zone."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if found.tzinfo is None:
        raise ValueError(value)
    return found.astimezone(UTC)


def value_of_cell(given: Any) -> Any:
    """A CSV cell is JSON where it can be read as JSON without loss (numbers, true, objects), else text."""
    if not isinstance(given, str):
        return given
    if given[:1] in '-0123456789tfn[{"':
        try:
            value = orjson.loads(given)
            if not (isinstance(value, float) and "." in given):  # nothing can be wrong with one, and most are
                check_text(given.encode(), _DEEPEST, "the cell")
        except (orjson.JSONDecodeError, BadRequestData):
            return given
        return given if value is None else value
    return given


def check_nested(value: Any) -> None:
    """Raises BadRequestData unless `value`, not a plain one, is of JSON and within bounds: Parquet may hold more."""
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        raise BadRequestData(f"value: {shown(value)} is not a value of JSON ({error})") from None
    if not isinstance(value, dict | list):
        raise BadRequestData(f"value: {shown(value)} is not a value of JSON, but a {type(value).__name__}")
    check_text(text, _DEEPEST, "value: it")


_READERS: Final[dict[str, Callable[[Path], Iterator[Line]]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
