"""CSV as Japanese offices write it (formats document 0.2): encoding detected, columns found by name.

Encodings: BOM first (UTF-8, UTF-16), then strict UTF-8, then strict cp932, which is what Shift_JIS means here. Column
names are compared after NFKC, without spaces and without anything in brackets. Lines may end in any way; quoted cells
may hold line breaks.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from adapters.contract import DecodeError

_BRACKETS = re.compile(r"[((\[【][^))\]】]*[))\]】]|\s")
# Python's cp932 lets the bytes 80, A0, FD, FE, FF through although they are in no character set.
_STRAY = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
NOTE = ("※", "#")  # rows that talk about the table


def text_of(body: bytes) -> str:
    """The bytes as text. Raises DecodeError when no encoding fits strictly."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strictly(body, "utf-16")
    if body.startswith(codecs.BOM_UTF8):
        return _strictly(body, "utf-8-sig")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        text = _strictly(body, "cp932")
    if stray := _STRAY.search(text):
        raise DecodeError(f"character {stray.start()}", stray[0], "is no cp932")
    return text


def _strictly(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise DecodeError(
            f"byte {error.start}", body[error.start : error.start + 4].hex(), f"is no {encoding}"
        ) from None


def plain_name(column: str) -> str:
    """`10分雨量(mm)` and `１０分雨量` are the same column."""
    return _BRACKETS.sub("", unicodedata.normalize("NFKC", column)).strip()


class Row(NamedTuple):
    """One row: its cells by the field names asked for, and its bytes as a table of its own (UTF-8, with header)."""

    cells: Mapping[str, str]
    header: Sequence[str]
    values: Sequence[str]

    @property
    def raw(self) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([self.header, self.values])
        return buffer.getvalue().encode()


def rows(body: bytes, columns: Mapping[str, Sequence[str]], required: Sequence[str]) -> Iterator[Row | DecodeError]:
    """The rows of a CSV (or of a TSV when the header has tabs), with cells under the keys of `columns`.

    `columns` maps a field to the column names it may have. Blank and note rows are passed over; a row shorter than its
    required cells is yielded as DecodeError. Raises DecodeError when the text or its header cannot be read.
    """
    reader = csv.reader(io.StringIO(text_of(body), newline=""), delimiter=_delimiter(body), strict=False)
    header = next((line for line in reader if any(line) and not line[0].startswith(NOTE)), None)
    if header is None:
        raise DecodeError("header", "", "is missing: the table is empty")
    places = _places(header, columns, required)
    least = max((places[name] for name in required), default=0) + 1
    try:
        for line in reader:
            if not any(line) or line[0].startswith(NOTE):
                continue
            if len(line) < least:
                yield DecodeError("row", ",".join(line), f"has fewer than {least} cells").of_row(
                    Row({}, header, line).raw
                )
                continue
            count = len(line)
            yield Row({name: line[at] if at < count else "" for name, at in places.items()}, header, line)
    except csv.Error as error:
        raise DecodeError(f"line {reader.line_num}", "", f"is no CSV: {error}") from None


def _delimiter(body: bytes) -> str:
    return "\t" if b"\t" in body[:4096].split(b"\n", 1)[0] else ","


def _places(header: Sequence[str], columns: Mapping[str, Sequence[str]], required: Sequence[str]) -> dict[str, int]:
    """Field to column number. The first of two columns with one name counts."""
    found: dict[str, int] = {}
    for at, column in enumerate(header):
        found.setdefault(plain_name(column), at)
    places = {
        field: found[plain_name(name)]
        for field, names in columns.items()
        for name in reversed(names)
        if plain_name(name) in found
    }
    for field in required:
        if field not in places:
            raise DecodeError("header", ",".join(header), f"has none of the columns {', '.join(columns[field])}")
    return places
