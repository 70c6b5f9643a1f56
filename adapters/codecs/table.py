"""Tables as Japanese offices write them (formats document 0.2): encoding detected, columns found by name.

Encodings: BOM first (UTF-8, UTF-16), then strict UTF-8, then strict cp932, which is what Shift_JIS means here. Column
names are compared after NFKC, without case and spaces, first as they stand and then without anything in brackets. Lines
may end in any way; quoted cells may hold line breaks; a header that comes again (files glued together) is passed over,
and what comes after it is read by it. The same rows as a JSON list of objects are read with the same names.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from adapters.contract import DecodeError
from models import Model

_BRACKETS = re.compile(r"[((\[【][^))\]】]*[))\]】]|\s")
# Python's cp932 lets the bytes 80, A0, FD, FE, FF through although they are in no character set.
_STRAY = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
NOTE = ("※", "#", "＃")  # rows that talk about the table
_BREAK = re.compile(r"\r\n|\r|\n")
REMARK = ("注", "(注", "（注", "備考", "出典", "資料")  # these too, when nothing else stands in them
_NOTED = frozenset(each[0] for each in (*NOTE, *REMARK))  # asked of every row, so first by one character
TITLES = 10  # lines among which the header is looked for


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


@lru_cache(1024)
def plain_name(column: str) -> str:
    """`10分雨量(mm)` and `１０分雨量` are the same column."""
    return _BRACKETS.sub("", _whole_name(column))


@lru_cache(1024)
def _whole_name(column: str) -> str:
    """The name with what stands in brackets, which may be part of it: `雨量(10分)`."""
    return "".join(unicodedata.normalize("NFKC", column).replace("\ufeff", "").casefold().split())


@lru_cache(1024)
def _unit(column: str) -> str:
    match = re.search(r"[(\[]\s*([^)\]]*?)\s*[)\]]", unicodedata.normalize("NFKC", column))
    return match[1] if match else ""


def unit_of(header: Sequence[str], names: Sequence[str]) -> str:
    """What stands in brackets behind the first column of one of these names: `cm` of `水位(cm)`; else nothing."""
    plain = {plain_name(name) for name in names}
    return next((_unit(column) for column in header if plain_name(column) in plain), "")


class Row(NamedTuple):
    """One row: its cells by the field names asked for, its bytes as a table of its own (with header), its line."""

    cells: Mapping[str, str]
    header: Sequence[str]
    values: Sequence[str]
    line: int = 0

    @property
    def raw(self) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([self.header, self.values])
        return buffer.getvalue().encode()


Required = Sequence[str | tuple[str, ...]]


def rows(body: bytes, columns: Mapping[str, Sequence[str]], required: Required) -> Iterator[Row | DecodeError]:
    """The rows of a CSV (a TSV when a first line has more tabs than any has commas) or of a JSON list of objects.

    Their cells stand under the keys of `columns`.

    `columns` maps a field to the column names it may have; of a tuple in `required`, one field must be there. Blank and
    note rows are passed over; a row shorter than its required cells is yielded as DecodeError. Raises DecodeError when
    the text or its header cannot be read.
    """
    text = text_of(body)
    if text.lstrip()[:1] in ("[", "{"):
        yield from _of_objects(objects(text), columns, required)
        return
    text = text.replace("\ufeff", "")  # of files glued together, each with its own
    lines = _lines(text, _delimiter(text))
    header, places = _header((line for _, line in lines), columns, required)
    least = _least(places, required)
    titles = {*header, *(name for names in columns.values() for name in names)} - {""}
    for number, line in lines:
        if not any(line) or line == header or (line[0][:1] in _NOTED and _is_note(line)):
            continue
        if not titles.isdisjoint(line) and (again := _again(line, columns, required)) is not None:
            header, places = line, again
            least = _least(places, required)
            continue
        count = len(line)
        if count < least:
            about = f"has fewer than {least} cells"
            yield DecodeError("row", ",".join(line), about).of_row(Row({}, header, line).raw)
            continue
        yield Row({name: line[at] if at < count else "" for name, at in places.items()}, header, line, number)


def _lines(text: str, delimiter: str, before: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The lines' numbers, counted on from `before`, and cells. Raises DecodeError for what is no CSV."""
    stream = io.StringIO(text, newline="")
    reader, odd = csv.reader(stream, delimiter=delimiter), text.count('"') % 2 == 1
    try:
        for line in reader:
            if odd and line and _BREAK.search(line[-1]) and stream.tell() == len(text):
                # A quote that never ends has swallowed all that came after it.
                last, rest = _BREAK.split(line[-1], 1)
                number = before + reader.line_num - sum(1 for _ in io.StringIO(rest, newline=""))
                yield number, [*line[:-1], last]
                yield from _lines(rest, delimiter, number)
            else:
                yield before + reader.line_num, line
    except csv.Error as error:
        raise DecodeError(f"line {before + reader.line_num}", "", f"is no CSV: {error}") from None


def _is_note(line: list[str]) -> bool:
    return line[0].startswith(NOTE) or (line[0].startswith(REMARK) and not any(line[1:]))


def _least(places: Mapping[str, int], required: Required) -> int:
    """How many cells a row needs to have the required ones."""
    return max((min(places[name] for name in each if name in places) for each in map(_either, required)), default=0) + 1


def _again(line: list[str], columns: Mapping[str, Sequence[str]], required: Required) -> dict[str, int] | None:
    """The places of a header that comes again, maybe in another order; None when the line is a row."""
    try:
        return _places(line, columns, required)
    except DecodeError:
        return None


def read_rows(
    found: Iterable[Row | DecodeError], read: Callable[[Row], Iterable[Model | DecodeError]]
) -> Iterator[Model | DecodeError]:
    """What `read` makes of every row. An error it yields or raises is that row's alone and carries the row's bytes."""
    for row in found:
        if isinstance(row, DecodeError):
            yield row
            continue
        try:
            for item in read(row):
                yield item.of_row(row.raw) if isinstance(item, DecodeError) else item
        except DecodeError as error:
            yield error.of_row(row.raw)


def rows_of(path: Path, columns: Mapping[str, Sequence[str]], required: Required) -> Iterator[Row]:
    """The rows of a table that settings name. Raises ValueError naming the file, OSError when there is none."""
    try:
        for row in rows(path.read_bytes(), columns, required):
            if isinstance(row, DecodeError):
                raise row
            yield row
    except DecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def objects(text: str) -> list[Any]:
    """The list of a JSON document: the document itself, or the first list of objects in it, at most two levels down.

    An object without such a list is a list of one. Raises DecodeError when the text is no JSON.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DecodeError("document", text[:40], f"is no JSON: {error}") from None
    if isinstance(document, list):
        return document
    inner = [*document.values(), *(v for each in document.values() if isinstance(each, dict) for v in each.values())]
    return next((each for each in inner if isinstance(each, list) and each and isinstance(each[0], dict)), [document])


def _of_objects(
    found: Iterable[Any], columns: Mapping[str, Sequence[str]], required: Required
) -> Iterator[Row | DecodeError]:
    known: list[str] = []
    places: dict[str, int] = {}
    for number, each in enumerate(found, 1):
        if not isinstance(each, dict):
            yield DecodeError("row", each, "is no JSON object").of_row(orjson.dumps(each))
            continue
        flat = _flat(each)
        header, values = list(flat), [_cell(value) for value in flat.values()]
        try:
            if header != known:
                places = _places(header, columns, required)
            known = header
        except DecodeError as error:
            yield error.of_row(orjson.dumps(each))
            continue
        yield Row({name: values[at] for name, at in places.items()}, header, values, number)


def _flat(each: Mapping[str, Any]) -> Mapping[str, Any]:
    """Members of members under `outer.inner`, one level down."""
    if not any(isinstance(value, dict) for value in each.values()):
        return each
    flat: dict[str, Any] = {}
    for name, value in each.items():
        flat |= {f"{name}.{inner}": it for inner, it in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _cell(value: Any) -> str:
    """A JSON value as a cell would show it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _header(
    reader: Iterable[list[str]], columns: Mapping[str, Sequence[str]], required: Required
) -> tuple[list[str], dict[str, int]]:
    """The first line that has the required columns, and where they are; titles may stand above it. Raises DecodeError.

    LinkData writes its header as a note: #property,...
    """
    refused: DecodeError | None = None
    lines = (line for line in reader if any(line) and (not line[0].startswith(NOTE) or line[0] == "#property"))
    for line in islice(lines, TITLES):
        try:
            return line, _places(line, columns, required)
        except DecodeError as error:
            refused = refused or error
    raise refused or DecodeError("header", "", "is missing: the table is empty")


def _delimiter(text: str) -> str:
    """What the first lines have most of."""
    lines = text[:8192].splitlines()[:TITLES]
    return max(",\t", key=lambda each: max((line.count(each) for line in lines), default=0))


def _either(each: str | tuple[str, ...]) -> tuple[str, ...]:
    return (each,) if isinstance(each, str) else each


def _places(header: Sequence[str], columns: Mapping[str, Sequence[str]], required: Required) -> dict[str, int]:
    """Field to column number. The first of two columns with one name counts."""
    known = {_whole_name(name) for names in columns.values() for name in names}
    whole: dict[str, int] = {}
    plain: dict[str, int] = {}
    for at, column in enumerate(header):
        whole.setdefault(_whole_name(column), at)
        if _whole_name(column) not in known:  # else its brackets are what tells it from others
            plain.setdefault(plain_name(column), at)
    found = plain | whole
    places = {
        field: found[_whole_name(name)]
        for field, names in columns.items()
        for name in reversed(names)
        if _whole_name(name) in found
    }
    for each in map(_either, required):
        if not places.keys() & each:
            missing = ", ".join(name for field in each for name in columns[field])
            raise DecodeError("header", ",".join(header), f"has none of the columns {missing}")
    return places
