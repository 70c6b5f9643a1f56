"""The query language (GS CIM 009, 4.9): text to an immutable tree of conditions.

Lenient where clients are: spaces around terms, unquoted words as strings, names that are IRIs or quoted, `!name` for
absence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import orjson

from ngsi import times
from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.jsonld import Context
from ngsi.names import is_uri, type_name
from ngsi.naming import attribute_in
from ngsi.query.boolean import Node, Reader
from ngsi.query.pattern import parse_pattern
from ngsi.terms import SYSTEM_MEMBERS

TIMES: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
MEMBERS: Final = SYSTEM_MEMBERS | {"observedAt", "unitCode", "datasetId", "expiresAt"}
ENTITY_TIMES: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})
EVERY_LANGUAGE: Final = "*"
_MOST_LINKS: Final = 10
_MOST_OPERANDS: Final = 1000

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,6}))?Z?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:.*", re.ASCII)
_OPERATOR = re.compile(r"\s*(==|!=|>=|<=|!~=|~=|>|<)\s*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NAMES = re.compile(r"[^\s=!<>~;|()\[\],\"{}]+")
_LINKED_TYPE = re.compile(r"[\w-]+")
_LINKED_TYPES = re.compile(r"\s*([\w-]+(?:\s*,\s*[\w-]+)*)\s*:(?!//)\s*")
# a comma may stand before the fraction of a second (4.6.3)
_WORD = re.compile(
    r"(?:(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T)?[0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{1,9}(?=Z|[-+ ][0-9]{2}:)|[^;|(),\"=<>!~\s])"
    r"[^;|(),\"]*"
)
_COMPARED: Final = ("number", "string", "dateTime", "date", "time")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of the query.

    `kind` and `value`: number (int or float), string and uri (str), boolean (bool), dateTime (canonical text, UTC),
    date (`YYYY-MM-DD`), time (`hh:mm:ss[.f]Z`), pattern (Pattern).
    """

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included."""

    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class Link:
    """A step to the entities that a Relationship points to; `types` (IRIs), when there are any, narrow them."""

    attribute: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Which value is meant: attribute and sub-attributes (IRIs), then a member, then keys within the value.

    With `links`, the path begins at the linked entities. Without attributes, `member` is a time of the entity itself.
    """

    attributes: tuple[str, ...]
    member: str | None = None
    keys: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One term. `operator` None asks whether `path` exists, `!` whether it does not; `operands` are alternatives."""

    path: Path
    operator: str | None = None
    operands: tuple[Literal | Range, ...] = ()


Query: TypeAlias = Node[Condition]


def parse_q(text: str, context: Context, expand_values: frozenset[str] = frozenset(), field: str = "q") -> Query:
    """`text` with every name expanded by `context`; so are the values of the attributes `expand_values` (IRIs).

    Raises BadRequestData saying where in `field` it stops making sense, TooComplexQuery when it is too long.
    """
    return Reader(text, field, "|", lambda reader: _condition(reader, context, expand_values)).parse()


def names_in(text: str, context: Context, field: str) -> list[tuple[int, int]]:
    """From where to where each name stands in `text`, in quotation marks or not. Raises as `parse_q` does."""
    reader: Reader[Condition] = Reader(text, field, "|", lambda reader: _condition(reader, context, frozenset()))
    reader.parse()
    return reader.names


def stands_alone(name: str) -> bool:
    """Whether `name` is read as one name without quotation marks."""
    return _NAMES.fullmatch(name) is not None and ("." not in name or "://" in name)


def parse_path(text: str, field: str, context: Context) -> Path:
    """An attribute path alone, without links, as orderBy has it. Raises BadRequestData."""
    reader: Reader[Condition] = Reader(text, field, "", lambda reader: Condition(Path(())))
    path = _value_path(reader, _names(reader), context, ())
    if reader.at < len(text):
        raise reader.error("the end")
    return path


def conditions(query: Query) -> Iterator[Condition]:
    """Every term of `query`, from left to right."""
    if isinstance(query, Condition):
        yield query
    else:
        for part in query.parts:
            yield from conditions(part)


def attributes_of(query: Query) -> frozenset[str]:
    """IRIs of the attributes of the entity itself that `query` speaks of; its own times are none."""
    paths = [condition.path for condition in conditions(query)]
    return frozenset(
        path.links[0].attribute if path.links else path.attributes[0] for path in paths if path.links or path.attributes
    )


def link_depth(query: Query) -> int:
    """How many Relationships the deepest term follows (5.7.2.4: no more than joinLevel)."""
    return max(len(condition.path.links) for condition in conditions(query))


def _condition(reader: Reader[Condition], context: Context, expand_values: frozenset[str]) -> Condition:
    negated = reader.peek() == "!"
    if negated:
        reader.at += 1
        reader.skip_spaces()
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
    operands = _operands(reader, sign)
    if path.attributes and path.attributes[-1] in expand_values:
        operands = [_expanded(operand, context) for operand in operands]
    if path.member in TIMES:
        operands = [_as_instant(operand) for operand in operands]
    return Condition(path, sign, tuple(operands))


def _expanded(operand: Literal | Range, context: Context) -> Literal | Range:
    if isinstance(operand, Literal) and operand.kind in ("string", "uri"):
        return Literal("uri", context.expand(operand.value))
    return operand


def _as_instant(operand: Literal | Range) -> Literal | Range:
    """A member that is a DateTime is compared as one, in quotation marks too: its text is ours, not its writer's."""
    if isinstance(operand, Range):
        return Range(_instant(operand.low), _instant(operand.high))
    return _instant(operand)


def _instant(literal: Literal) -> Literal:
    if literal.kind != "string":
        return literal
    try:
        return Literal("dateTime", times.canonical(literal.value))
    except (ValueError, OverflowError):
        return literal


def _path(reader: Reader[Condition], context: Context) -> Path:
    links: list[Link] = []
    while True:
        names = _names(reader)
        if reader.peek() != "{":
            path = _value_path(reader, names, context, tuple(links))
            break
        if len(names) > 1 or len(links) == _MOST_LINKS:
            raise reader.error(f"one Relationship's name before '{{', {_MOST_LINKS} deep at most")
        reader.at += 1
        links.append(Link(attribute_in(reader.field, names[0], context), _types(reader, context)))
    for _ in links:
        reader.skip_spaces()
        if reader.peek() != "}":
            raise reader.error("'}'")
        reader.at += 1
    return path


def _types(reader: Reader[Condition], context: Context) -> tuple[str, ...]:
    """The types before a colon: `{Device,Sensor:humidity}`."""
    match = _LINKED_TYPES.match(reader.text, reader.at)
    if match is None:
        reader.skip_spaces()
        return ()
    reader.at = match.end()
    reader.names += [found.span() for found in _LINKED_TYPE.finditer(reader.text, *match.span(1))]
    return tuple(context.expand(type_name(name.strip(), reader.field)) for name in match.group(1).split(","))


def _names(reader: Reader[Condition]) -> list[str]:
    start = reader.at
    quoted = _quoted(reader)
    if quoted is not None:
        reader.names.append((start, reader.at))
        return [quoted]
    match = _NAMES.match(reader.text, reader.at)
    if match is None:
        raise reader.error("an attribute name")
    reader.at = match.end()
    dotted = match.group()
    names = [dotted] if "://" in dotted else dotted.split(".")
    for name in names:
        reader.names.append((start, start + len(name)))
        start += len(name) + 1
    return names


def _value_path(reader: Reader[Condition], names: list[str], context: Context, links: tuple[Link, ...]) -> Path:
    keys: tuple[str, ...] = ()
    if reader.peek() == "[":
        end = reader.text.find("]", reader.at)
        if end < 0:
            raise reader.error("a trailing path closed by ']'")
        keys = tuple(key.strip() for key in reader.text[reader.at + 1 : end].split("."))
        if not all(keys):
            raise reader.error("a member name in [...]")
        reader.at = end + 1
    names = [context.term(name) for name in names]
    member = names.pop() if names[-1] in MEMBERS and (len(names) > 1 or names[-1] in ENTITY_TIMES) else None
    if member and keys:
        raise reader.error(f"no trailing path after {member}")
    attributes = tuple(attribute_in(reader.field, name, context) for name in names)
    return Path(attributes, member, () if keys == (EVERY_LANGUAGE,) else keys, links)


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
    return Literal("pattern", parse_pattern(text, reader.field))


def _operands(reader: Reader[Condition], sign: str) -> list[Literal | Range]:
    operands = [_operand(reader, sign)]
    while sign in ("==", "!=") and _comma(reader):
        operands.append(_operand(reader, sign))
        if len(operands) > _MOST_OPERANDS:
            raise TooComplexQuery(f"{reader.field}: a list of more than {_MOST_OPERANDS} values")
    return operands


def _comma(reader: Reader[Condition]) -> bool:
    reader.skip_spaces()
    found = reader.peek() == ","
    reader.at += found
    return found


def _operand(reader: Reader[Condition], sign: str) -> Literal | Range:
    low = _literal(reader)
    if not reader.text.startswith("..", reader.at):
        if low.kind == "boolean" and sign not in ("==", "!="):
            raise reader.error(f"a number, string or time before: {sign} does not order true and false")
        return low
    if sign not in ("==", "!="):
        raise reader.error("a single value: a range goes with == and != only")
    reader.at += 2
    high = _literal(reader)
    if low.kind != high.kind or low.kind not in _COMPARED:
        raise BadRequestData(
            f"{reader.field}: {shown(low.value)}..{shown(high.value)} is not a range of one kind of values"
        )
    return Range(low, high)


def _literal(reader: Reader[Condition]) -> Literal:
    reader.skip_spaces()
    text = _quoted(reader)
    if text is not None:
        reader.skip_spaces()
        return Literal("string", text)
    match = _WORD.match(reader.text, reader.at)
    word = match.group().rstrip() if match else ""
    low = word.partition("..")[0].rstrip()
    if word != low and is_uri(word):
        low = word
    if not low:
        raise reader.error("a value")
    literal = _unquoted(low, reader.field)
    reader.at += len(low)
    reader.skip_spaces()
    return literal


def _quoted(reader: Reader[Condition]) -> str | None:
    match = _STRING.match(reader.text, reader.at)
    if match is None:
        if reader.peek() == '"':
            raise reader.error("a string closed by a quotation mark")
        return None
    try:
        text = str(orjson.loads(match.group()))
    except orjson.JSONDecodeError:
        raise reader.error("a JSON string") from None
    if "\0" in text:
        raise reader.error("a string without U+0000, which no value holds")
    reader.at = match.end()
    return text


def _unquoted(word: str, field: str) -> Literal:
    if word in ("true", "false"):
        return Literal("boolean", word == "true")
    if _NUMBER.fullmatch(word):
        return Literal("number", _number(word, field))
    if _DATE.fullmatch(word):
        return Literal("date", _day(word, field))
    time = _TIME.fullmatch(word)
    if time is not None:
        return Literal("time", _time(*time.groups()))
    if _STAMP.fullmatch(word):
        return Literal("dateTime", times.text(times.date_time(word.replace(" ", "+"), field)))
    return Literal("uri" if is_uri(word) else "string", word)


def _number(word: str, field: str) -> Any:
    try:
        return orjson.loads(word)
    except orjson.JSONDecodeError:
        raise BadRequestData(f"{field}: {shown(word)} is larger than a number can be (1.8e308)") from None


def _day(word: str, field: str) -> str:
    try:
        return date.fromisoformat(word).isoformat()
    except ValueError:
        raise BadRequestData(f"{field}: {shown(word)} is not a date of the calendar") from None


def _time(hours: str, minutes: str, seconds: str, fraction: str | None) -> str:
    tail = (fraction or "").rstrip("0")
    return f"{hours}:{minutes}:{seconds}{'.' + tail if tail else ''}Z"
