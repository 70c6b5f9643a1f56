"""The term definitions of @contexts, processed in order (JSON-LD 1.1 API, 4.1, 4.2, 5.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ngsi.errors import BadRequestData, shown
from ngsi.terms import DEFAULT_VOCAB

KEYWORDS: Final = frozenset(
    {
        "@base",
        "@container",
        "@context",
        "@direction",
        "@graph",
        "@id",
        "@import",
        "@included",
        "@index",
        "@json",
        "@language",
        "@list",
        "@nest",
        "@none",
        "@prefix",
        "@propagate",
        "@protected",
        "@reverse",
        "@set",
        "@type",
        "@value",
        "@version",
        "@vocab",
    }
)
_LIKE_KEYWORD: Final = re.compile(r"@[A-Za-z]+")
_GEN_DELIMS: Final = (":", "/", "?", "#", "[", "]", "@")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f<>\"{}|\\^`]*")
_TYPELESS: Final = (None, "@id", "@vocab")


@dataclass(frozen=True, slots=True)
class Term:
    """What one term means: its IRI or keyword, whether it may stand before a colon, whether it coerces its values."""

    iri: str
    is_prefix: bool = False
    coerces: bool = False
    is_protected: bool = False


class ActiveContext:
    """Terms as they stand after the contexts applied so far."""

    def __init__(self, terms: dict[str, Term] | None = None, vocab: str = DEFAULT_VOCAB) -> None:
        self.terms: dict[str, Term] = terms or {}
        self._vocab = vocab

    def child(self) -> "ActiveContext":
        """Another one that begins with these terms and this vocabulary."""
        return ActiveContext(dict(self.terms), self._vocab)

    def apply(self, local: Mapping[str, Any], *, checked: bool = True) -> None:
        """Process the context object `local`. Raises BadRequestData for what is not a definition."""
        if checked:
            check_context(local)
        vocab = local.get("@vocab", self._vocab)
        if isinstance(vocab, str) and vocab:
            self._vocab = self._absolute(vocab, {}, {}) if ":" in vocab else self._vocab + vocab
        elif vocab is None or vocab == "":
            self._vocab = DEFAULT_VOCAB
        defined: dict[str, bool] = {}
        protected = local.get("@protected") is True
        for term in local:
            if not _LIKE_KEYWORD.fullmatch(term):
                self._define(term, local, defined, protected)

    def _define(self, term: str, local: Mapping[str, Any], defined: dict[str, bool], protected: bool = False) -> None:
        """Make `term` of `local` known, and first the terms that it refers to; `defined` is False while it is open."""
        done = defined.get(term)
        if done is not None:
            if not done:
                raise BadRequestData(f"@context: term {shown(term)} is defined by way of itself")
            return
        defined[term] = False
        definition = local[term]
        earlier = self.terms.pop(term, None)
        made = self._made(term, definition, local, defined, protected)
        if earlier is not None and earlier.is_protected and not _same(earlier, made):
            raise BadRequestData(f"@context: term {shown(term)} is protected and cannot be given another meaning")
        if made is not None:
            self.terms[term] = made if earlier is None or not earlier.is_protected else earlier
        defined[term] = True

    def _made(
        self, term: str, definition: Any, local: Mapping[str, Any], defined: dict[str, bool], protected: bool
    ) -> Term | None:
        """The Term; None where a null sets the name aside, so that it means nothing but itself."""
        members: Mapping[str, Any] = definition if isinstance(definition, Mapping) else {"@id": definition}
        value = members.get("@id", term)
        if value is None or "@reverse" in members:
            return None
        iri = value if value in KEYWORDS else self._iri(value, term, local, defined)
        if iri not in KEYWORDS and not _IRI.fullmatch(iri):
            raise BadRequestData(f"@context: term {shown(term)} means {shown(iri)}, which is not an IRI")
        simple = isinstance(definition, str)
        prefix = members.get("@prefix") is True or (simple and iri.endswith(_GEN_DELIMS))
        coerces = members.get("@type") not in _TYPELESS or "@container" in members or "@language" in members
        protected = members.get("@protected", protected) is True
        return Term(iri, prefix and ":" not in term and "/" not in term, coerces, protected)

    def _iri(self, value: str, term: str, local: Mapping[str, Any], defined: dict[str, bool]) -> str:
        if value != term and value in local:
            self._define(value, local, defined)
        if value != term and value in self.terms:
            return self.terms[value].iri
        return self._absolute(value, local, defined) if ":" in value[1:] else self._vocab + value

    def _absolute(self, value: str, local: Mapping[str, Any], defined: dict[str, bool]) -> str:
        """`value`, a compact IRI or an IRI, as an IRI."""
        prefix, _, suffix = value.partition(":")
        if prefix == "_" or suffix.startswith("//"):
            return value
        if prefix in local and defined.get(prefix) is not True:
            self._define(prefix, local, defined)
        known = self.terms.get(prefix)
        return known.iri + suffix if known is not None and known.is_prefix else value


def _same(one: Term, other: Term | None) -> bool:
    return other is not None and (one.iri, one.is_prefix, one.coerces) == (other.iri, other.is_prefix, other.coerces)


def check_context(value: object) -> None:
    """Raises BadRequestData unless `value` may stand at "@context": a URL, an object, null, or an array of them."""
    if isinstance(value, list):
        for item in value:
            check_context(item)
    elif isinstance(value, Mapping):
        for term, definition in value.items():
            _check_definition(term, definition)
    elif value is not None and not isinstance(value, str):
        raise BadRequestData(f"@context: {shown(value)} is neither a URL nor an object nor an array of them")


def _check_definition(term: str, definition: object) -> None:
    if _LIKE_KEYWORD.fullmatch(term):
        if term in ("@vocab", "@base", "@import") and not isinstance(definition, str | None):
            raise BadRequestData(f"@context: {term} is a string, not {shown(definition)}")
        return
    if not term:
        raise BadRequestData("@context: a term has a name")
    if definition is None or isinstance(definition, str):
        return
    if not isinstance(definition, Mapping):
        raise BadRequestData(
            f"@context: term {shown(term)} is defined by {shown(definition)}, not by a string or object"
        )
    if "@context" in definition:
        raise BadRequestData(f"@context: term {shown(term)} has a scoped @context, which NGSI-LD forbids (5.5.7)")
    for member in ("@id", "@type", "@reverse"):
        if not isinstance(definition.get(member), str | None):
            raise BadRequestData(f"@context: term {shown(term)} has an {member} that is not a string")
