"""JSON-LD term expansion and compaction (JSON-LD 1.1, 4 and 6; GS CIM 009, 5.5.7).

Only what NGSI-LD needs of an @context: which IRI a name means and which name an IRI has. A context is compiled
once into two maps; expanding a name is then one dictionary look-up.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ngsi.errors import BadRequestData, shown
from ngsi.names import attribute_name, type_name
from ngsi.terms import DEFAULT_VOCAB

_KEYWORDS: Final = frozenset(
    {"@id", "@type", "@value", "@vocab", "@base", "@language", "@list", "@set", "@json", "@none"}
)
_GEN_DELIMS: Final = (":", "/", "?", "#", "[", "]", "@")
_CACHE_LIMIT: Final = 20_000

Definition = str | Mapping[str, Any] | None


class Context:
    """A compiled @context: user terms with the core context applied last, so that core terms always win.

    `source` is the user's @context as it is served again: a URL, an object or an array of both; None when the
    request named no context.
    """

    __slots__ = ("_attributes", "_compacted", "_core_names", "_names", "_prefixes", "_terms", "source")

    def __init__(self, terms: Mapping[str, str], prefixes: Iterable[str], core: Mapping[str, str], source: Any) -> None:
        self.source = source
        self._terms = terms
        self._prefixes = sorted((terms[name], name) for name in prefixes)
        self._core_names = _shortest(core)
        self._names = _shortest(terms)
        self._attributes: dict[str, str] = {}
        self._compacted: dict[str, str] = {}

    def expand(self, name: str) -> str:
        """The IRI that `name` means; a name no context knows goes to the default vocabulary."""
        iri = self._terms.get(name)
        if iri is not None:
            return iri
        prefix, colon, suffix = name.partition(":")
        if not colon:
            return DEFAULT_VOCAB + name
        base = None if suffix.startswith("//") else self._terms.get(prefix)
        return name if base is None else base + suffix

    def attribute(self, name: str) -> str:
        """The IRI of attribute `name`; raises BadRequestData when it cannot be an attribute's name."""
        iri = self._attributes.get(name)
        if iri is None:
            iri = self.expand(attribute_name(name))
            if len(self._attributes) < _CACHE_LIMIT:
                self._attributes[name] = iri
        return iri

    def types(self, value: object) -> list[str]:
        """`value` of an entity's `type` (string or array) as IRIs without repetition."""
        values = value if isinstance(value, list) else [value]
        if not values:
            raise BadRequestData("type: an entity has at least one type")
        return list(dict.fromkeys(self.expand(type_name(item)) for item in values))

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
            for base, prefix in self._prefixes
            if iri.startswith(base) and len(iri) > len(base)
        ]
        usable = [name for name in candidates if name not in self._terms and self.expand(name) == iri]
        return min(usable, key=lambda name: (len(name), name)) if usable else iri


def _shortest(terms: Mapping[str, str]) -> dict[str, str]:
    """IRI to name: of several names the shortest, then the first by code point (JSON-LD 1.1 API, 6.3)."""
    names: dict[str, str] = {}
    for name in sorted(terms, key=lambda name: (len(name), name)):
        names.setdefault(terms[name], name)
    return names


def compile_context(documents: Iterable[Mapping[str, Any]], core: Mapping[str, Any], source: Any = None) -> Context:
    """Compile loaded context `documents` (in order, later ones win) with the `core` context's terms.

    Raises BadRequestData for a definition that is not one.
    """
    definitions: dict[str, Definition] = {}
    for document in documents:
        for term, definition in document.items():
            _check(term, definition)
            definitions[term] = definition
    core_terms = _Resolver(core).resolve()
    merged = {**definitions, **core}
    resolver = _Resolver(merged)
    return Context(resolver.resolve(), resolver.prefixes(), core_terms, source)


def _check(term: str, definition: object) -> None:
    if term.startswith("@"):
        return
    if definition is not None and not isinstance(definition, str | Mapping):
        raise BadRequestData(
            f"@context: term {shown(term)} is defined by {shown(definition)}, not by a string or object"
        )
    if isinstance(definition, Mapping):
        if "@context" in definition:
            raise BadRequestData(f"@context: term {shown(term)} has a scoped @context, which NGSI-LD forbids (5.5.7)")
        if not isinstance(definition.get("@id", ""), str | None):
            raise BadRequestData(f"@context: term {shown(term)} has an @id that is not a string")


class _Resolver:
    """Turns term definitions into IRIs, following prefixes and terms that refer to one another."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self._done: dict[str, str] = {}
        self._open: set[str] = set()

    def resolve(self) -> dict[str, str]:
        for term in self._definitions:
            if not term.startswith("@"):
                self._term(term)
        return self._done

    def prefixes(self) -> list[str]:
        """Terms that may stand before a colon in a compact IRI (JSON-LD 1.1, 4.1.5)."""
        return [
            term
            for term, iri in self._done.items()
            if ":" not in term and (self._says_prefix(term) or (self._is_simple(term) and iri.endswith(_GEN_DELIMS)))
        ]

    def _says_prefix(self, term: str) -> bool:
        definition = self._definitions.get(term)
        return isinstance(definition, Mapping) and definition.get("@prefix") is True

    def _is_simple(self, term: str) -> bool:
        return isinstance(self._definitions.get(term), str)

    def _term(self, term: str) -> str | None:
        if term in self._done:
            return self._done[term]
        definition = self._definitions.get(term)
        value = definition.get("@id", term) if isinstance(definition, Mapping) else definition
        if value is None:
            return None
        if term in self._open:
            raise BadRequestData(f"@context: term {shown(term)} is defined by way of itself")
        self._open.add(term)
        iri = self._iri(value, term)
        self._open.discard(term)
        if iri not in _KEYWORDS:
            self._done[term] = iri
        return iri

    def _iri(self, value: str, term: str) -> str:
        if value in _KEYWORDS:
            return value
        prefix, colon, suffix = value.partition(":")
        if colon:
            base = self._term(prefix) if not suffix.startswith("//") and prefix in self._definitions else None
            return value if base is None or base in _KEYWORDS else base + suffix
        if value != term and value in self._definitions:
            return self._term(value) or DEFAULT_VOCAB + value
        vocab = self._definitions.get("@vocab")
        return (vocab if isinstance(vocab, str) and vocab else DEFAULT_VOCAB) + value
