"""Terms joined by and / or with parentheses: the shape that q, type selection and scopeQ share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar, Union

from ngsi.errors import BadRequestData, TooComplexQuery, shown

T = TypeVar("T")
_MAX_NESTING: Final = 40
_MAX_TERMS: Final = 500
_NEVER: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class All(Generic[T]):
    """Every part holds (`;`)."""

    parts: "tuple[Node[T], ...]"


@dataclass(frozen=True, slots=True)
class Any_(Generic[T]):
    """At least one part holds (`|`, and `,` where the grammar has it)."""

    parts: "tuple[Node[T], ...]"


Node: TypeAlias = Union[All[T], Any_[T], T]  # noqa: UP007  mypy takes a generic alias in this form only


def check_text(text: str, field: str) -> None:
    """Raises BadRequestData for what no name and no value holds: U+0000 and halves of surrogate pairs."""
    if _NEVER.search(text):
        raise BadRequestData(f"{field}: {shown(text)} holds a character that occurs in no text")


class Reader(Generic[T]):
    """A cursor over the text with the recursive descent for `;` (binds tighter) and the `or` characters."""

    def __init__(self, text: str, field: str, or_chars: str, term: "Callable[[Reader[T]], T]") -> None:
        check_text(text, field)
        self.text = text
        self.field = field
        self.at = 0
        self.names: list[tuple[int, int]] = []  # from where to where a name stands, as far as the terms tell
        self._or = or_chars
        self._term = term
        self._depth = 0
        self._terms = 0

    def parse(self) -> "Node[T]":
        node = self._any()
        if self.at < len(self.text):
            raise self.error("an operator or the end")
        return node

    def error(self, expected: str) -> BadRequestData:
        found = shown(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end"
        return BadRequestData(f"{self.field}: expected {expected} at position {self.at}, found {found}")

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def skip_spaces(self) -> None:
        while self.peek() in (" ", "\t") and self.peek():
            self.at += 1

    def _any(self) -> "Node[T]":
        return self._joined(self._all, self._or, Any_)

    def _all(self) -> "Node[T]":
        return self._joined(self._factor, ";", All)

    def _joined(self, part: "Callable[[], Node[T]]", separators: str, join: Any) -> "Node[T]":
        parts = [part()]
        self.skip_spaces()
        while self.peek() and self.peek() in separators:
            self.at += 1
            parts.append(part())
            self.skip_spaces()
        node: Node[T] = parts[0] if len(parts) == 1 else join(tuple(parts))
        return node

    def _factor(self) -> "Node[T]":
        self.skip_spaces()
        if self.peek() != "(":
            self._terms += 1
            if self._terms > _MAX_TERMS:
                raise TooComplexQuery(f"{self.field}: more than {_MAX_TERMS} terms")
            return self._term(self)
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise BadRequestData(f"{self.field}: parentheses nest deeper than {_MAX_NESTING}")
        self.at += 1
        node = self._any()
        if self.peek() != ")":
            raise self.error("')'")
        self.at += 1
        self._depth -= 1
        return node
