"""The term definitions of @contexts, processed in order (JSON-LD 1.1 API, 4.1, 4.2, 5.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ngsi.context_rules import KEYWORDS, check_context, is_like_keyword
from ngsi.errors import BadRequestData, shown
from ngsi.terms import DEFAULT_VOCAB

_GEN_DELIMS: Final = (":", "/", "?", "#", "[", "]", "@")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f<>\"{}|\\^`]*")
_TYPELESS: Final = (None, "@id", "@vocab")
_TYPES: Final = (*_TYPELESS, "@json", "@none")


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
            if not is_like_keyword(term):
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
        """The Term; None where a null, or what is only like a keyword, sets the name aside: it means but itself."""
        members: Mapping[str, Any] = definition if isinstance(definition, Mapping) else {"@id": definition}
        self._check_type(members.get("@type"), term, local, defined)
        value = members.get("@id", term)
        if value is None or "@reverse" in members or (value not in KEYWORDS and is_like_keyword(value)):
            return None
        if value == "@context":
            raise BadRequestData(f"@context: term {shown(term)} is another name of @context, which has none")
        iri = value if value in KEYWORDS else self._iri(value, term, local, defined)
        if iri not in KEYWORDS and not _IRI.fullmatch(iri):
            raise BadRequestData(f"@context: term {shown(term)} means {shown(iri)}, which is not an IRI")
        simple = isinstance(definition, str)
        prefix = members.get("@prefix") is True or (simple and iri.endswith(_GEN_DELIMS))
        coerces = members.get("@type") not in _TYPELESS or "@container" in members or "@language" in members
        protected = members.get("@protected", protected) is True
        return Term(iri, prefix and ":" not in term and "/" not in term, coerces, protected)

    def _check_type(self, kind: str | None, term: str, local: Mapping[str, Any], defined: dict[str, bool]) -> None:
        """Raises BadRequestData unless `kind`, the @type of `term`, is a keyword for one or expands to an IRI.

        A name that is no term is one of the vocabulary, as NGSI-LD's own is always there.
        """
        if kind is None or kind in _TYPES:
            return
        iri = self._iri(kind, term, local, defined)
        if is_like_keyword(kind) or (iri not in _TYPES and not _IRI.fullmatch(iri)):
            raise BadRequestData(f"@context: term {shown(term)} has @type {shown(kind)}, which is not an IRI")

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
