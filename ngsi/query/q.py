"""The query language (GS CIM 009, 4.9): text to an immutable tree of conditions.

Lenient where clients are: spaces around terms, unquoted words as strings, names that are IRIs.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from ngsi import times
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.names import is_uri
from ngsi.query.boolean import Node, Reader
from ngsi.terms import SYSTEM_MEMBERS

MEMBERS: Final = SYSTEM_MEMBERS | {"observedAt", "unitCode", "datasetId", "expiresAt"}
_ENTITY_TIMES: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d:\d\d([.,]\d+)?Z?", re.ASCII)
_OPERATOR = re.compile(r"\s*(==|!=|>=|<=|!~=|~=|>|<)\s*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_PATH = re.compile(r"[^\s=!<>~;|()\[\],\"{}]+")
_WORD = re.compile(r"[^;|(),\"]+")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of the query: `kind` is number, string, boolean, dateTime, date, time or uri."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Range:
    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class Path:
    """Which value is meant: attribute and sub-attributes (IRIs), then a member, then keys within the value."""

    attributes: tuple[str, ...]
    member: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One term; `operator` None asks only whether `path` exists. `operands`: one, or several for a list."""

    path: Path
    operator: str | None = None
    operands: tuple[Literal | Range, ...] = ()


Query: TypeAlias = Node[Condition]


def parse_q(text: str, context: Context) -> Query:
    """`text` with every name expanded by `context`. Raises BadRequestData saying where it stops making sense."""
    return Reader(text, "q", "|", lambda reader: _condition(reader, context)).parse()


def attributes_of(query: Query) -> frozenset[str]:
    """IRIs of the attributes that `query` speaks of."""
    if isinstance(query, Condition):
        return frozenset(query.path.attributes[:1])
    return frozenset().union(*(attributes_of(part) for part in query.parts))


def _condition(reader: Reader[Condition], context: Context) -> Condition:
    negated = reader.peek() == "!"
    if negated:
        reader.at += 1
    path = _path(reader, context)
    operator = _OPERATOR.match(reader.text, reader.at)
    if operator is None:
        reader.skip_spaces()
        return Condition(path, "!" if negated else None)
    if negated:
        raise reader.error("no operator after a negated name")
    reader.at = operator.end()
    sign = operator.group(1)
    if sign in ("~=", "!~="):
        return Condition(path, sign, (_pattern(reader),))
    operands = [_operand(reader, sign)]
    while sign in ("==", "!=") and reader.peek() == ",":
        reader.at += 1
        operands.append(_operand(reader, sign))
    return Condition(path, sign, tuple(operands))


def _path(reader: Reader[Condition], context: Context) -> Path:
    match = _PATH.match(reader.text, reader.at)
    if match is None:
        raise reader.error("an attribute name")
    reader.at = match.end()
    dotted = match.group()
    names = [dotted] if "://" in dotted else dotted.split(".")
    keys: tuple[str, ...] = ()
    if reader.peek() == "{":
        raise BadRequestData("q: sub-queries on linked entities (4.9, attribute{...}) are not supported yet")
    if reader.peek() == "[":
        end = reader.text.find("]", reader.at)
        if end < 0:
            raise reader.error("a trailing path closed by ']'")
        keys = tuple(reader.text[reader.at + 1 : end].split("."))
        if not all(keys):
            raise reader.error("a member name in [...]")
        reader.at = end + 1
    member = names.pop() if names[-1] in MEMBERS and (len(names) > 1 or names[-1] in _ENTITY_TIMES) else None
    return Path(tuple(context.attribute(name) for name in names), member, keys)


def _pattern(reader: Reader[Condition]) -> Literal:
    text = _quoted(reader)
    if text is None:
        # an unquoted pattern ends where the next term would begin; parentheses within it must match
        start, depth = reader.at, 0
        while (char := reader.peek()) and not (depth == 0 and char in ";|)"):
            depth += (char == "(") - (char == ")")
            reader.at += 2 if char == "\\" else 1
        reader.at = min(reader.at, len(reader.text))
        text = reader.text[start : reader.at]
    if not text:
        raise reader.error("a regular expression")
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadRequestData(f"q: {shown(text)} is not a regular expression: {error}") from None
    return Literal("string", text)


def _operand(reader: Reader[Condition], sign: str) -> Literal | Range:
    low, dots = _literal(reader)
    if not dots:
        return low
    if sign not in ("==", "!="):
        raise reader.error("a single value: a range goes with == and != only")
    high, more = _literal(reader)
    if more or low.kind != high.kind or low.kind not in ("number", "string", "dateTime", "date", "time"):
        raise BadRequestData(f"q: {shown(low.value)}..{shown(high.value)} is not a range of one kind of values")
    return Range(low, high)


def _literal(reader: Reader[Condition]) -> tuple[Literal, bool]:
    """The next value, and whether `..` follows it."""
    reader.skip_spaces()
    text = _quoted(reader)
    if text is not None:
        return Literal("string", text), _dots(reader)
    match = _WORD.match(reader.text, reader.at)
    word = match.group().rstrip() if match else ""
    low, _, _ = word.partition("..")
    if not low:
        raise reader.error("a value")
    reader.at += len(low)
    reader.skip_spaces()
    return _unquoted(low), _dots(reader)


def _dots(reader: Reader[Condition]) -> bool:
    found = reader.text.startswith("..", reader.at)
    reader.at += 2 * found
    return found


def _quoted(reader: Reader[Condition]) -> str | None:
    match = _STRING.match(reader.text, reader.at)
    if match is None:
        if reader.peek() == '"':
            raise reader.error("a string closed by a quotation mark")
        return None
    reader.at = match.end()
    try:
        return str(orjson.loads(match.group()))
    except orjson.JSONDecodeError:
        raise BadRequestData(f"q: {shown(match.group())} is not a JSON string") from None


def _unquoted(word: str) -> Literal:
    if word in ("true", "false"):
        return Literal("boolean", word == "true")
    if _NUMBER.fullmatch(word):
        return Literal("number", orjson.loads(word))
    if _DATE.fullmatch(word):
        return Literal("date", word)
    if _TIME.fullmatch(word):
        return Literal("time", word)
    if "T" in word and word[:1].isdigit():
        return Literal("dateTime", times.text(times.date_time(word, "q")))
    return Literal("uri" if is_uri(word) else "string", word)
