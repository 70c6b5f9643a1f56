"""What may be an id, a name, a scope (GS CIM 009, 4.6.2, 4.18, 5.5.4)."""

import re
from functools import lru_cache
from typing import Final

from ngsi.errors import BadRequestData, shown
from ngsi.terms import NULL, RESERVED_NAMES

# RFC 3986/3987: a scheme, then anything but white space, control and invisible characters and the delimiters <>"{}|\^`
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff<>\"{}|\\^`]+"
)
_NAME = re.compile(r"[^\W\d_][\w-]*")  # a dash is not of the grammar of 4.6.2, but clients have names with one
_COMPACT_OR_IRI = re.compile(r"[A-Za-z][\w.+-]*:[^\s\x00-\x20\x7f<>\"{}|\\^`()\[\];,]+")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_SCOPE = re.compile(r"/?[^\W\d_]\w*(/[^\W\d_]\w*)*")
_LONGEST: Final = 2500  # bytes of an id or an IRI that an index of the database can hold


@lru_cache(maxsize=8192)
def is_uri(text: str) -> bool:
    return _URI.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def is_name(text: str) -> bool:
    """A short name (letter, then letters, digits, `_` and `-`), a compact IRI or an IRI."""
    return _NAME.fullmatch(text) is not None or _COMPACT_OR_IRI.fullmatch(text) is not None


def bounded(text: str, field: str) -> str:
    """`text`, which is to be found again by an index; raises BadRequestData when it is too long for one."""
    if len(text) > _LONGEST // 4 and len(text.encode()) > _LONGEST:
        raise BadRequestData(f"{field}: {shown(text)} is longer than {_LONGEST} bytes")
    return text


def entity_id(value: object, field: str = "id") -> str:
    """`value` as an entity id; raises BadRequestData unless it is a URI, and not the NGSI-LD null (5.5.4)."""
    if not isinstance(value, str) or not is_uri(value) or value == NULL:
        raise BadRequestData(
            f"{field}: {shown(value)} is not a URI (4.6.2: an id is a URI, such as urn:ngsi-ld:Type:1)"
        )
    return bounded(value, field)


def attribute_name(value: str) -> str:
    """`value` as an attribute name, unexpanded; raises BadRequestData."""
    if not is_name(value):
        raise BadRequestData(
            f"attribute name {shown(value)}: a name is a letter followed by letters, digits, _ or -, or an IRI"
        )
    if value in RESERVED_NAMES:
        raise BadRequestData(f"attribute name {shown(value)}: this term of the core @context is not an attribute")
    return value


def type_name(value: object, field: str = "type") -> str:
    if not isinstance(value, str) or not is_name(value) or value == NULL:
        raise BadRequestData(f"{field}: {shown(value)} is not a type name (a short name or an IRI)")
    return value


def is_language_tag(value: str) -> bool:
    """Whether `value` has the shape of a language tag (RFC 5646)."""
    return _LANGUAGE.fullmatch(value) is not None


def language_tag(value: str) -> str:
    """`value` as a language tag; raises BadRequestData."""
    if not is_language_tag(value):
        raise BadRequestData(f"lang: {shown(value)} is not a language tag such as ja or de-AT")
    return value


def scope(value: object) -> str:
    """`value` as one scope, with its leading slash (4.18)."""
    if not isinstance(value, str) or not _SCOPE.fullmatch(value):
        raise BadRequestData(f"scope: {shown(value)} is not of the form /Level/Level")
    return value if value.startswith("/") else "/" + value


def scopes(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise BadRequestData("scope: an empty array says nothing")
    return list(dict.fromkeys(scope(item) for item in values))
