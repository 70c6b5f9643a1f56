"""Columns as array literals. asyncpg asks of each item of an array whether it is an array itself, which for the
thousand readings of a batch costs thrice what the server takes to read a literal."""

from collections.abc import Sequence
from datetime import datetime

import orjson


def scalars(column: Sequence[float | bool | datetime | None]) -> str:
    """Of an array of numbers, booleans or instants: JSON's are the server's, and so is its null."""
    return f"{{{orjson.dumps(column)[1:-1].decode()}}}"


def texts(column: Sequence[str | bytes | None]) -> str:
    """Of an array of text, or of a type that is written as text; bytes are UTF-8."""
    if column.count(None) == len(column):  # most columns of most batches
        return f"{{{','.join(['NULL'] * len(column))}}}"
    return f"{{{','.join(['NULL' if item is None else _quoted(item) for item in column])}}}"


def _quoted(item: str | bytes) -> str:
    text = item if isinstance(item, str) else item.decode()
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
