"""JSON-LD term expansion and compaction (JSON-LD 1.1 API, 5.2, 6.1; GS CIM 009, 4.4, 5.5.7).

Only what NGSI-LD needs of an @context: which IRI a name means and which name an IRI has. A context is compiled
once (see `definitions`); expanding a name is then one dictionary look-up.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any, Final

from ngsi.context_rules import KEYWORDS, check_context
from ngsi.definitions import ActiveContext
from ngsi.errors import BadRequestData
from ngsi.names import attribute_name, bounded, type_name
from ngsi.terms import ATTRIBUTE_MEMBERS, CORE, DEFAULT_VOCAB, ENTITY_MEMBERS, KINDS, RESERVED_NAMES

__all__ = ["Context", "check_context", "compile_context"]

_CACHE_LIMIT: Final = 20_000
_MEMBERS: Final = ATTRIBUTE_MEMBERS | ENTITY_MEMBERS | KINDS.keys()
_BY_IRI: Final = {CORE + member: member for member in RESERVED_NAMES}


class Context:
    """A compiled @context: user terms with the core context applied last, so that core terms always win.

    `source` is the user's @context as it is served again: a URL, an object or an array of both; None when the
    request named no context. `aliases` are the user's other names for the members of the standard, such as "ID" for
    "id" or "wert" for "value".
    """

    __slots__ = (
        "_attributes",
        "_compacted",
        "_core_names",
        "_names",
        "_prefixes",
        "_subs",
        "_terms",
        "_types",
        "aliases",
        "source",
    )

    def __init__(
        self,
        terms: Mapping[str, str],
        prefixes: Iterable[str],
        core: Mapping[str, str],
        source: Any,
        coercing: Container[str] = (),
    ) -> None:
        self.source = source
        self._terms = {name: iri for name, iri in terms.items() if iri not in KEYWORDS}
        self._prefixes = {name: terms[name] for name in prefixes}
        self._core_names = _names(core, ())
        self._names = _names(terms, coercing)
        self.aliases = {
            name: member
            for name, iri in terms.items()
            if name not in core and (member := self._core_names.get(iri)) in _MEMBERS
        }
        self._attributes: dict[str, str] = {}
        self._subs: set[str] = set()
        self._types: dict[str, str] = {}
        self._compacted: dict[str, str] = {}

    def expand(self, name: str) -> str:
        """The IRI that `name` means; a name no context knows goes to the default vocabulary."""
        iri = self._terms.get(name)
        if iri is not None:
            return iri
        prefix, colon, suffix = name.partition(":")
        if not colon:
            return DEFAULT_VOCAB + name
        base = None if suffix.startswith("//") else self._prefixes.get(prefix)
        return name if base is None else base + suffix

    def term(self, name: str) -> str:
        """The standard's name of the member that `name`, a user's other name or an IRI, means; else `name`."""
        iri = self.expand(name) if ":" in name else self._terms.get(name, "")
        return self.aliases.get(name) or _BY_IRI.get(iri, name)

    def attribute(self, name: str) -> str:
        """The IRI of attribute `name`; raises BadRequestData when it cannot be an attribute's name."""
        iri = self._attributes.get(name)
        if iri is None:
            iri = bounded(self.expand(attribute_name(name)), "attribute name")
            self._check_own(name, iri, RESERVED_NAMES)
            if len(self._attributes) < _CACHE_LIMIT:
                self._attributes[name] = iri
        return iri

    def sub_attribute(self, name: str) -> str:
        """The IRI of sub-attribute `name`; raises BadRequestData, for names of the members of attributes too."""
        iri = self.attribute(name)
        if name not in self._subs:
            self._check_own(name, iri, ATTRIBUTE_MEMBERS)
            if len(self._subs) < _CACHE_LIMIT:
                self._subs.add(name)
        return iri

    def _check_own(self, name: str, iri: str, reserved: Container[str]) -> None:
        """Raises BadRequestData for another name of a term that is no attribute: shown again it would be that term."""
        meant = self._core_names.get(iri)
        if meant in reserved:
            raise BadRequestData(f"{name}: this is the term {meant} of the core @context, and not an attribute")

    def types(self, value: object) -> list[str]:
        """`value` of an entity's `type` (string or array) as IRIs without repetition."""
        values = value if isinstance(value, list) else [value]
        if not values:
            raise BadRequestData("type: an entity has at least one type")
        return list(dict.fromkeys(map(self._type, values)))

    def _type(self, value: object) -> str:
        name = type_name(value)
        iri = self._types.get(name)
        if iri is None:
            iri = bounded(self.expand(name), "type")
            if len(self._types) < _CACHE_LIMIT:
                self._types[name] = iri
        return iri

    def compact(self, iri: str) -> str:
        """The shortest name that means `iri` in this context."""
        name = self._compacted.get(iri)
        if name is None:
            name = self._compact(iri)
            if len(self._compacted) < _CACHE_LIMIT:
                self._compacted[iri] = name
        return name

    def _compact(self, iri: str) -> str:
        name = self._core_names.get(iri) or self._names.get(iri)
        if name is not None:
            return name
        if iri.startswith(DEFAULT_VOCAB) and len(iri) > len(DEFAULT_VOCAB):
            name = iri[len(DEFAULT_VOCAB) :]
            # a short name that the user's context gives another meaning must not come back as that name
            if name not in self._terms and ":" not in name:
                return name
        candidates = [
            f"{prefix}:{iri[len(base) :]}"
            for prefix, base in self._prefixes.items()
            if iri.startswith(base) and len(iri) > len(base)
        ]
        usable = [name for name in candidates if name not in self._terms and self.expand(name) == iri]
        return min(usable, key=lambda name: (len(name), name)) if usable else iri


def _names(terms: Mapping[str, str], coercing: Container[str]) -> dict[str, str]:
    """IRI to name: of several names the shortest, then the first by code point (JSON-LD 1.1 API, 4.3, 6.2).

    A name that coerces its values comes after one that does not: an attribute is an object, whatever its value is.
    """
    names: dict[str, str] = {}
    for name in sorted(terms, key=lambda name: (name in coercing, len(name), name)):
        names.setdefault(terms[name], name)
    return names


def compile_context(documents: Iterable[Mapping[str, Any]], core: Mapping[str, Any], source: Any = None) -> Context:
    """Compile loaded context `documents` (in order, later ones win) with the `core` context's terms.

    Raises BadRequestData for a definition that is not one.
    """
    built_in = ActiveContext()
    built_in.apply(core, checked=False)
    user = built_in.child()
    for document in documents:
        user.apply({term: definition for term, definition in document.items() if term not in core or term[0] == "@"})
    terms = {**user.terms, **built_in.terms}
    return Context(
        {name: term.iri for name, term in terms.items()},
        [name for name, term in terms.items() if term.is_prefix],
        {name: term.iri for name, term in built_in.terms.items()},
        source,
        {name for name, term in terms.items() if term.coerces},
    )
