"""Observations as files, in batches: CSV, JSON Lines, Parquet. What is written can be imported again."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from broker.bulk import records
from broker.bulk.records import value_of_cell

Record = dict[str, Any]
_ROW_GROUP: Final = 50_000
_BOM: Final = "\ufeff"  # spreadsheets read UTF-8 only after it


class CsvFile:
    """One header, then a line for each record; a cell is text, or JSON for what is not."""

    def __init__(self, *, bom: bool = False) -> None:
        self._head = (_BOM if bom else "") + ",".join(records.COLUMNS) + "\r\n"

    def write(self, batch: Iterable[Record]) -> bytes:
        text = io.StringIO()
        text.write(self._head)
        self._head = ""
        rows = csv.writer(text)
        for record in batch:
            rows.writerow(
                [cell(record["value"]) if name == "value" else record.get(name, "") for name in records.COLUMNS]
            )
        return text.getvalue().encode()

    def close(self) -> bytes:
        return self.write([])


class JsonLines:
    """A JSON object for each record and line."""

    def write(self, batch: Iterable[Record]) -> bytes:
        return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in batch)

    def close(self) -> bytes:
        return b""


class _Sink(io.RawIOBase):
    """Takes what pyarrow writes until it is fetched; the position goes on, for Parquet counts bytes from the start."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def taken(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


class ParquetFile:
    """Columns as in CSV, with `number` beside `value` (a double, null for what is no number). Raises UnreadableFile."""

    def __init__(self) -> None:
        self._arrow, parquet = records.pyarrow("pyarrow"), records.pyarrow("pyarrow.parquet")
        arrow = self._arrow
        texts = [(name, arrow.string()) for name in records.COLUMNS if name != "observedAt"]
        stamp = ("observedAt", arrow.timestamp("us", tz="UTC"))
        self._schema = arrow.schema([*texts, stamp, ("number", arrow.float64())])
        self._sink, self._rows = _Sink(), list[Record]()
        self._writer = parquet.ParquetWriter(self._sink, self._schema)

    def write(self, batch: Iterable[Record]) -> bytes:
        self._rows.extend(map(self._row, batch))
        if len(self._rows) >= _ROW_GROUP:
            self._flush()
        return self._sink.taken()

    def close(self) -> bytes:
        self._flush()
        self._writer.close()
        return self._sink.taken()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def _row(self, record: Record) -> Record:
        value = record["value"]
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        return {**record, "value": cell(value), "number": number, "observedAt": records.instant(record["observedAt"])}


def cell(value: Any) -> str:
    """A value as a CSV cell: text as it is, unless it would be read as something else; the rest as JSON."""
    if isinstance(value, str) and value and value_of_cell(value) is value:
        return value
    return orjson.dumps(value).decode()


File = CsvFile | JsonLines | ParquetFile
FILES: Final[dict[str, Callable[[bool], File]]] = {
    "text/csv": lambda bom: CsvFile(bom=bom),
    "application/x-ndjson": lambda _: JsonLines(),
    "application/vnd.apache.parquet": lambda _: ParquetFile(),
}
