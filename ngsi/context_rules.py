"""What may stand in an @context, before any of it is expanded (JSON-LD 1.1 API, 4.1.2, 4.2.2; GS CIM 009, 5.5.7)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ngsi.errors import BadRequestData, shown

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
_GRAPHS: Final = ({"@graph", "@id"}, {"@graph", "@index"})
_WITH_SET: Final = ({"@graph"}, {"@id"}, {"@index"}, {"@language"}, {"@type"}, *_GRAPHS)
_CONTAINERS: Final = {
    *map(frozenset, ({"@list"}, {"@set"}, *_WITH_SET)),
    *(frozenset(kinds | {"@set"}) for kinds in _WITH_SET),
}


def is_like_keyword(name: str) -> bool:
    """Whether `name` has the form of a keyword; one that is none means nothing yet, and is passed over."""
    return _LIKE_KEYWORD.fullmatch(name) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: object) -> bool:
    return isinstance(value, str | None)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_direction(value: object) -> bool:
    return value in ("ltr", "rtl", None)


def _is_container(value: object) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return value is None or (all(map(_is_text, kinds)) and frozenset(kinds) in _CONTAINERS)


def _is_nest(value: object) -> bool:
    return isinstance(value, str) and (value == "@nest" or not is_like_keyword(value))


def _is_type_term(value: object) -> bool:
    if not isinstance(value, Mapping) or not value or value.keys() - {"@container", "@protected"}:
        return False
    return value.get("@container", "@set") in ("@set", ["@set"]) and _is_flag(value.get("@protected", True))


_Rule = tuple[Callable[[Any], bool], str]
_TEXT: Final[_Rule] = (_is_text, "a string")
_TEXT_OR_NULL: Final[_Rule] = (_is_text_or_null, "a string or null")
_FLAG: Final[_Rule] = (_is_flag, "true or false")
_DIRECTION: Final[_Rule] = (_is_direction, '"ltr", "rtl" or null')

# the keywords that may stand in a context beside its terms
_OF_CONTEXT: Final[Mapping[str, _Rule]] = {
    "@base": _TEXT_OR_NULL,
    "@direction": _DIRECTION,
    "@import": _TEXT_OR_NULL,
    "@language": _TEXT_OR_NULL,
    "@propagate": _FLAG,
    "@protected": _FLAG,
    "@type": (_is_type_term, 'never defined but by {"@container": "@set"} or @protected'),
    "@version": (lambda value: value == 1.1, "the number 1.1"),
    "@vocab": _TEXT_OR_NULL,
}
# the members of a term's definition
_OF_TERM: Final[Mapping[str, _Rule]] = {
    "@container": (_is_container, "@graph, @id, @index, @language, @list, @set, @type or an array of some that agree"),
    "@direction": _DIRECTION,
    "@id": _TEXT_OR_NULL,
    "@index": _TEXT,
    "@language": _TEXT_OR_NULL,
    "@nest": (_is_nest, "a string and no keyword but @nest"),
    "@prefix": _FLAG,
    "@protected": _FLAG,
    "@reverse": _TEXT_OR_NULL,
    "@type": _TEXT_OR_NULL,
}


def check_context(value: object) -> None:
    """Raises BadRequestData unless `value` may stand at "@context": a URL, an object, null, or an array of them."""
    if isinstance(value, list):
        for item in value:
            check_context(item)
    elif isinstance(value, Mapping):
        for term, definition in value.items():
            _check_entry(term, definition)
    elif not _is_text_or_null(value):
        raise BadRequestData(f"@context: {shown(value)} is neither a URL nor an object nor an array of them")


def _check_entry(term: str, definition: object) -> None:
    if not term:
        raise BadRequestData("@context: a term has a name")
    if term in _OF_CONTEXT:
        _check(f"@context: {term}", definition, _OF_CONTEXT[term], "4.1.2")
    elif term in KEYWORDS:
        raise BadRequestData(f"@context: {term} is a keyword, which no context defines (JSON-LD 1.1 API, 4.2.2)")
    elif is_like_keyword(term):
        pass
    elif isinstance(definition, Mapping):
        _check_definition(f"@context: term {shown(term)}", definition)
    elif not _is_text_or_null(definition):
        raise BadRequestData(
            f"@context: term {shown(term)} is defined by {shown(definition)}, not by a string or object"
        )


def _check_definition(where: str, definition: Mapping[str, Any]) -> None:
    if "@context" in definition:
        raise BadRequestData(f"{where} has a scoped @context, which NGSI-LD forbids (5.5.7)")
    for member, value in definition.items():
        if member not in _OF_TERM:
            raise BadRequestData(f"{where} has {shown(member)}, which no definition has (JSON-LD 1.1 API, 4.2.2)")
        _check(f"{where}: {member}", value, _OF_TERM[member], "4.2.2")
    for member in ("@id", "@nest"):
        if "@reverse" in definition and member in definition:
            raise BadRequestData(f"{where} has {member} beside @reverse (JSON-LD 1.1 API, 4.2.2)")


def _check(where: str, value: object, rule: _Rule, clause: str) -> None:
    good, words = rule
    if not good(value):
        raise BadRequestData(f"{where} is {words}, not {shown(value)} (JSON-LD 1.1 API, {clause})")
