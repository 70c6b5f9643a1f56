"""Regular expressions of q and idPattern (GS CIM 009, 4.9, 5.2.33: IEEE 1003.2), one meaning in every engine.

Taken is what POSIX extended expressions, RE2 and PostgreSQL have in common; it is read here and written anew in one
canonical form that all of them read alike. A pattern is searched for, so `^` and `$` anchor it.

    x \\. \\\\        the character itself          .            any character
    [a-z_] [^0-9]   one of, none of               [[:alpha:]]  classes of ASCII characters, as are \\d \\w \\s
    a* a+ a? a{2,5}   repetitions                 a|b  (ab)  (?:ab)  ^  $
    \\t \\n \\r       white space

Refused, because engines differ or need more than linear time: references back (`\\1`), looking around, lazy and
possessive repetition, flags, word boundaries, named groups.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ngsi.errors import BadRequestData, shown
from ngsi.query.boolean import check_text

_MOST_REPEATED: Final = 255
_MOST_STATES: Final = 1000  # RE2's own bound on what repetitions multiply to
_COST_OF_ABSENCE: Final = 9  # PostgreSQL compiles what may be absent, many times over, in more than linear time
_MAY_BE_ABSENT: Final = ("*", "?", "{0")
_LONGEST: Final = 1000
_DEEPEST: Final = 30

_DIGIT: Final = (("0", "9"),)
_SPACE: Final = (("\t", "\r"), (" ", " "))
_UPPER: Final = (("A", "Z"),)
_LOWER: Final = (("a", "z"),)
_ALPHA: Final = _UPPER + _LOWER
_ALNUM: Final = _DIGIT + _ALPHA
_Ranges = tuple[tuple[str, str], ...]
_CLASSES: Final[dict[str, _Ranges]] = {
    "alpha": _ALPHA,
    "digit": _DIGIT,
    "alnum": _ALNUM,
    "upper": _UPPER,
    "lower": _LOWER,
    "space": _SPACE,
    "blank": ((" ", " "), ("\t", "\t")),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "xdigit": (*_DIGIT, ("A", "F"), ("a", "f")),
    "print": ((" ", "~"),),
    "graph": (("!", "~"),),
    "cntrl": (("\x01", "\x1f"), ("\x7f", "\x7f")),
}
_LETTERS: Final[dict[str, _Ranges]] = {"d": _DIGIT, "w": (*_ALNUM, ("_", "_")), "s": _SPACE}
_CHARACTERS: Final = {"t": "\t", "n": "\n", "r": "\r"}
_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}-")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in its canonical form, and as it was given."""

    canonical: str
    given: str


@lru_cache(maxsize=1024)
def parse_pattern(text: str, field: str) -> Pattern:
    """`text` as a pattern; raises BadRequestData naming `field`, the position and the rule."""
    check_text(text, field)
    if len(text) > _LONGEST:
        raise BadRequestData(f"{field}: a regular expression of more than {_LONGEST} characters")
    reader = _Reader(text, field)
    canonical, states = reader.alternatives(0)
    if reader.at < len(text):
        raise reader.error("no ')' without its '('")
    if states > _MOST_STATES:
        raise reader.error(f"repetitions that multiply to {_MOST_STATES} states at most")
    return Pattern(canonical, text)


@lru_cache(maxsize=1024)
def search(pattern: Pattern) -> Callable[[str], object]:
    """A function that tells whether the pattern occurs in a text, in time linear in the text."""
    import re2

    found: Callable[[str], object] = re2.compile(f"(?s:{pattern.canonical})").search
    return found


class _Reader:
    """Recursive descent; each rule returns the canonical text and about how many states an automaton needs for it."""

    def __init__(self, text: str, field: str) -> None:
        self.text = text
        self.field = field
        self.at = 0

    def error(self, expected: str) -> BadRequestData:
        return BadRequestData(
            f"{self.field}: {shown(self.text)} is not a regular expression (POSIX extended): "
            f"expected {expected} at position {self.at}"
        )

    def alternatives(self, depth: int) -> tuple[str, int]:
        if depth > _DEEPEST:
            raise self.error(f"groups no deeper than {_DEEPEST}")
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return "|".join(text for text, _ in parts), sum(states for _, states in parts)

    def _sequence(self, depth: int) -> tuple[str, int]:
        texts, total = [], 1
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            anchor = self.text[self.at] in "^$"
            text, states = self._atom(depth)
            times, factor = self._repetition()
            if anchor and times:
                raise self.error("no repetition of an anchor")
            texts.append(text + times)
            total += states * factor + _COST_OF_ABSENCE * times.startswith(_MAY_BE_ABSENT)
        return ("".join(texts), total) if texts else ("(?:)", total + _COST_OF_ABSENCE)

    def _atom(self, depth: int) -> tuple[str, int]:
        char = self.text[self.at]
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._set(), 1
        if char == "\\":
            return self._escape(), 1
        if char in "*+?":
            raise self.error("something to repeat")
        self.at += 1
        return (char if char in "^$." else _literal(char)), 1

    def _group(self, depth: int) -> tuple[str, int]:
        self.at += 1
        if self._take("?") and not self._take(":"):
            raise self.error("a plain group: looking around, flags and names are not taken")
        inner, states = self.alternatives(depth + 1)
        if not self._take(")"):
            raise self.error("')'")
        return f"(?:{inner})", states

    def _repetition(self) -> tuple[str, int]:
        found, factor = "", 1
        if self.at < len(self.text) and self.text[self.at] in "*+?":
            found = self.text[self.at]
            self.at += 1
        elif self.text[self.at : self.at + 1] == "{" and self.text[self.at + 1 : self.at + 2].isdecimal():
            found, factor = self._bound()
        if found and re.match(r"[*+?]|\{\d", self.text[self.at :]):
            raise self.error("one repetition only: lazy and possessive ones are not taken")
        return found, factor

    def _bound(self) -> tuple[str, int]:
        inside, closed, _ = self.text[self.at + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        numbers = [number for number in (low, high) if number]
        if not closed or not all(number.isascii() and number.isdecimal() for number in numbers):
            raise self.error("a bound {m}, {m,} or {m,n}")
        least, most = int(low), int(high or low)
        if not least <= most <= _MOST_REPEATED:
            raise self.error(f"a bound from m to n with n up to {_MOST_REPEATED}")
        self.at += len(inside) + 2
        return "{" + (f"{least}{comma}{most if high else ''}" if comma else str(least)) + "}", max(most, 1)

    def _escape(self) -> str:
        char = self._escaped()
        ranges = _LETTERS.get(char.lower()) if char.isalpha() else None
        if ranges is not None:
            return _bracket(ranges, negated=char.isupper())
        return _literal(_CHARACTERS[char] if char.isalpha() else char)

    def _escaped(self) -> str:
        """The character after a backslash: one of those with a meaning, or no letter and no digit."""
        char = self.text[self.at + 1 : self.at + 2]
        if not char or (char.isalnum() and char.lower() not in _LETTERS and char not in _CHARACTERS):
            raise self.error("\\d \\w \\s \\D \\W \\S \\t \\n \\r or an escaped sign; references back are not taken")
        self.at += 2
        return char

    def _set(self) -> str:
        self.at += 1
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not ranges or not self._take("]"):
            ranges += self._member()
        return _bracket(tuple(ranges), negated)

    def _member(self) -> _Ranges:
        if self.at >= len(self.text):
            raise self.error("']'")
        if self.text.startswith("[:", self.at):
            name = self.text[self.at + 2 :].partition(":]")[0]
            if name not in _CLASSES:
                raise self.error(f"a class, one of {', '.join(_CLASSES)}")
            self.at += len(name) + 4
            return _CLASSES[name]
        low = self._in_set()
        if len(low) > 1:
            return _LETTERS[low[1]]
        if self.text[self.at : self.at + 1] != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return ((low, low),)
        self.at += 1
        high = self._in_set()
        if len(high) > 1 or high < low:
            raise self.error("a range that ascends")
        return ((low, high),)

    def _in_set(self) -> str:
        """One character of a set; a class such as \\d comes back with its backslash."""
        if self.text.startswith(("[.", "[="), self.at):
            raise self.error("no collating element")
        char = self.text[self.at : self.at + 1]
        if char != "\\":
            self.at += 1
            return char
        char = self._escaped()
        if char.isalpha() and char not in _CHARACTERS:
            if char.isupper():
                raise self.error("no negated class within [...]")
            return "\\" + char
        return _CHARACTERS.get(char, char)

    def _take(self, char: str) -> bool:
        found = self.text.startswith(char, self.at)
        self.at += found
        return found


def _literal(char: str) -> str:
    return "\\" + char if char in _SPECIAL else char


def _bracket(ranges: _Ranges, negated: bool) -> str:
    inside = "".join(_literal(low) if low == high else f"{_literal(low)}-{_literal(high)}" for low, high in ranges)
    return f"[{'^' if negated else ''}{inside}]"
