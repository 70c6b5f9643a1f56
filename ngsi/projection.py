"""Which members of an entity are shown: pick and omit (GS CIM 009, 4.21)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.naming import attribute_in
from ngsi.terms import ENTITY_MEMBERS

# a name (an IRI, or a member such as id) and what of the entities linked by it; nothing said: {}
Terms: TypeAlias = dict[str, "Terms"]

_TOKEN: Final = re.compile(r"\s*(?:([,|{}])|([^\s,|{}]+))\s*")
_MAX_DEPTH: Final = 20


@dataclass(frozen=True, slots=True)
class Projection:
    """`picked` members only (None: all), without the `omitted` ones."""

    picked: Terms | None = None
    omitted: Terms = field(default_factory=dict)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # a dictionary has no hash, and the outer names tell most apart; made once, for every link is looked up by it
        object.__setattr__(self, "_hash", hash((frozenset(self.picked or ()), frozenset(self.omitted))))

    def __hash__(self) -> int:
        return self._hash

    def shows(self, name: str) -> bool:
        """True when the member `name`, or the attribute with that IRI, is to be seen."""
        if self.picked is not None and name not in self.picked:
            return False
        return name not in self.omitted or bool(self.omitted[name])

    def linked(self, name: str) -> "Projection":
        """The projection of the entities that attribute `name` links to: its own, else the same one (5.7.1.5)."""
        if self is EVERYTHING:
            return self
        picked = (self.picked or {}).get(name) or self.picked
        everywhere: Terms = {member: {} for member, nested in self.omitted.items() if not nested}
        return Projection(picked, {**everywhere, **self.omitted.get(name, {})})

    @property
    def depth(self) -> int:
        """How many links deep it reaches."""
        return max(_depth(self.picked or {}), _depth(self.omitted))


EVERYTHING: Final = Projection()


@lru_cache(maxsize=256)  # what is asked for again is the same object again
def parse_projection(pick: str | None, omit: str | None, context: Context) -> Projection:
    """The parameters pick and omit, names expanded. Raises BadRequestData."""
    if pick is None and omit is None:
        return EVERYTHING
    picked = None if pick is None else _Parser("pick", pick, context).terms()
    omitted = {} if omit is None else _Parser("omit", omit, context).terms()
    both = [name for name, nested in omitted.items() if not nested and name in (picked or {})]
    if both:
        raise BadRequestData(f"omit: {shown(context.compact(both[0]))} is in pick too; a member is in one of them")
    return Projection(picked, omitted)


def _depth(terms: Mapping[str, Terms]) -> int:
    return max((1 + _depth(nested) for nested in terms.values() if nested), default=0)


def _add(terms: Terms, name: str, nested: Terms) -> None:
    """Add a term to `terms`; of a name that comes twice the term without braces says more."""
    if name not in terms:
        terms[name] = nested
    elif not (terms[name] and nested):
        terms[name] = {}
    else:
        for inner, deeper in nested.items():
            _add(terms[name], inner, deeper)


class _Parser:
    def __init__(self, parameter: str, text: str, context: Context) -> None:
        self._parameter = parameter
        self._text = text
        self._context = context
        self._at = 0

    def terms(self) -> Terms:
        found = self._list(0)
        if self._at < len(self._text):
            raise self._error("a comma between members")
        return found

    def _list(self, depth: int) -> Terms:
        """terms separated by `,` or `|`; each may be followed by terms in braces"""
        if depth > _MAX_DEPTH:
            raise BadRequestData(f"{self._parameter}: nests deeper than {_MAX_DEPTH}")
        found: Terms = {}
        while True:
            name = self._name()
            _add(found, name, self._nested(name, depth) if self._takes("{") else {})
            if not (self._takes(",") or self._takes("|")):
                return found

    def _nested(self, name: str, depth: int) -> Terms:
        if name in ENTITY_MEMBERS:
            raise BadRequestData(f"{self._parameter}: {name} is not a Relationship, so it has no {{...}}")
        nested = self._list(depth + 1)
        if not self._takes("}"):
            raise self._error("'}'")
        return nested

    def _name(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.group(2) is None:
            raise self._error("a member name")
        self._at = match.end()
        name = self._context.term(match.group(2))
        return name if name in ENTITY_MEMBERS else attribute_in(self._parameter, name, self._context)

    def _takes(self, sign: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.group(1) != sign:
            return False
        self._at = match.end()
        return True

    def _error(self, expected: str) -> BadRequestData:
        return BadRequestData(f"{self._parameter}: {expected} is expected at {shown(self._text[self._at :])} (4.21)")
