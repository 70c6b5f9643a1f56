"""The parameters that say how entities are shown (GS CIM 009, 4.5.1, 4.5.4, 4.5.23, 4.15, 4.21, 6.3.7)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from starlette.requests import Request

from broker.api import http
from broker.api.negotiation import GEO
from ngsi import names
from ngsi.downgrade import FIRST, LATEST, Version
from ngsi.errors import BadRequestData, OperationNotSupported, shown
from ngsi.forms import Format
from ngsi.jsonld import Context
from ngsi.language import parse_languages
from ngsi.links import Join, Joining
from ngsi.naming import attribute_in
from ngsi.projection import parse_projection
from ngsi.representation import Representation
from ngsi.terms import DEFAULT_DATASET, SYSTEM_MEMBERS

# what a Query says in its body (5.2.23), or a URL in parameters
BODY_MEMBERS: Final = frozenset({"attrs", "pick", "omit", "lang", "datasetId", "join", "joinLevel", "containedBy"})
ENTITY_MAP: Final = frozenset({"entityMap", "entityMapLifetime", "splitEntities"})

MOST_LEVELS: Final = 10
_FORMATS: Final[dict[str, Format]] = {**{name: name for name in get_args(Format)}, "keyValues": "simplified"}
_OPTIONS: Final = frozenset({*_FORMATS, "sysAttrs"})
_VERSION: Final = re.compile(r'\bngsi-ld\s*=\s*"?(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?\b', re.IGNORECASE)  # RFC 7240, 2
_SYSTEM: Final = SYSTEM_MEMBERS | {"expiresAt", "scope"}
_NORMALIZED: Final = Representation()


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the entities of one answer are shown.

    `geometry_property` (an IRI) is there when they are Features; `version` is the version of the standard that the
    asker prefers, never later than ours.
    """

    representation: Representation = _NORMALIZED
    joining: Joining | None = None
    geometry_property: str | None = None
    version: Version | None = None


PLAIN: Final = Presentation()


def presentation(given: Mapping[str, Any], context: Context, media: str, prefer: str) -> Presentation:
    """`given` are the parameters, or the members of a Query; `prefer` is the Prefer header. Raises BadRequestData."""
    if not given and not prefer and media != GEO:
        return PLAIN
    refuse_entity_map(given)
    joining = _joining(given)
    return Presentation(
        _representation(given, context, joining),
        joining,
        _geometry_property(given, context, media),
        preferred_version(prefer),
    )


def _representation(given: Mapping[str, Any], context: Context, joining: Joining | None) -> Representation:
    options = frozenset(_items(given, "options"))
    strange = options - _OPTIONS
    if strange:
        raise BadRequestData(f"options: {shown(min(strange))} is not one of {', '.join(sorted(_OPTIONS))}")
    projection = parse_projection(_text(given, "pick"), _text(given, "omit"), context)
    if projection.depth > (joining.level if joining else 0):
        raise BadRequestData(f"pick, omit: {projection.depth} links deep, which join and joinLevel do not reach (4.21)")
    for other in ("pick", "omit"):
        if "attrs" in given and other in given:
            raise BadRequestData(f"attrs: attrs and {other} exclude each other (attrs is the old name of pick)")
    return Representation(
        format=_format(given, options),
        sys_attrs=http.flag(given, "sysAttrs") if "sysAttrs" in given else "sysAttrs" in options,
        attributes=_attributes(given, context) if "attrs" in given else None,
        projection=projection,
        languages=parse_languages(_string(given, "lang")) if "lang" in given else None,
        datasets=frozenset(map(_dataset_id, _items(given, "datasetId"))) if "datasetId" in given else None,
    )


def _attributes(given: Mapping[str, Any], context: Context) -> frozenset[str]:
    """IRIs of attrs; the system's own attributes are shown with sysAttrs, whatever attrs says."""
    named = map(context.term, _items(given, "attrs"))
    return frozenset(attribute_in("attrs", name, context) for name in named if name not in _SYSTEM)


def _format(given: Mapping[str, Any], options: frozenset[str]) -> Format:
    """The parameter format goes before options (6.3.7)."""
    if "format" in given:
        if given["format"] not in _FORMATS:
            raise BadRequestData(f"format: {shown(given['format'])} is not one of {', '.join(_FORMATS)}")
        return _FORMATS[given["format"]]
    said = {_FORMATS[name] for name in options if name in _FORMATS}
    if len(said) > 1:
        raise BadRequestData(f"options: {' and '.join(sorted(said))} exclude each other")
    return said.pop() if said else "normalized"


def _joining(given: Mapping[str, Any]) -> Joining | None:
    join = given.get("join", "@none")
    if join not in ("@none", *get_args(Join)):
        raise BadRequestData(f"join: {shown(join)} is not one of flat, inline, @none (4.5.23)")
    if join == "@none":
        for name in ("joinLevel", "containedBy"):
            if name in given:
                raise BadRequestData(f"{name}: it goes with join=inline or join=flat only (4.5.23)")
        return None
    level = given.get("joinLevel", 1)
    if (
        isinstance(level, bool)
        or not re.fullmatch(r"\d{1,9}", str(level), re.ASCII)
        or not 0 < int(level) <= MOST_LEVELS
    ):
        raise BadRequestData(f"joinLevel: {shown(level)} is not a whole number from 1 to {MOST_LEVELS}")
    contained_by = frozenset(names.entity_id(item, "containedBy") for item in _items(given, "containedBy"))
    return Joining(cast(Join, join), int(level), contained_by)


def _geometry_property(given: Mapping[str, Any], context: Context, media: str) -> str | None:
    if media == GEO:
        return attribute_in("geometryProperty", given.get("geometryProperty", "location"), context)
    if "geometryProperty" in given:
        raise BadRequestData(f"geometryProperty: it goes with Accept: {GEO} only (5.7.2.4)")
    return None


def preferred_version(prefer: str) -> Version | None:
    """The version of the standard that a Prefer header asks for, if any (4.3.6.8)."""
    match = _VERSION.search(prefer)
    return None if match is None else max(FIRST, min(LATEST, (int(match.group(1)), int(match.group(2)))))


def refuse_named_map(request: Request) -> None:
    """Raises OperationNotSupported for a request about the entities of an entity map (6.4.3.2, 6.4.3.3)."""
    if "ngsild-entitymap" in request.headers:
        raise OperationNotSupported("NGSILD-EntityMap: this broker does not keep entity maps; leave the header out")


def refuse_entity_map(given: Mapping[str, Any]) -> None:
    """Raises OperationNotSupported when the asker wants an entity map, BadRequestData for what is no boolean."""
    _flag(given, "splitEntities")
    if _flag(given, "entityMap"):
        raise OperationNotSupported("entityMap: this broker does not keep entity maps; leave the parameter out")


def _flag(given: Mapping[str, Any], name: str) -> bool:
    """true or false, said in JSON or in a URL"""
    value = given.get(name)
    return value if isinstance(value, bool) else http.flag(given, name)


def _dataset_id(value: str) -> str:
    if value != DEFAULT_DATASET and not names.is_uri(value):
        raise BadRequestData(f"datasetId: {shown(value)} is neither a URI nor {DEFAULT_DATASET!r} (4.5.5)")
    return value


def _string(given: Mapping[str, Any], name: str) -> str:
    if not isinstance(given[name], str):
        raise BadRequestData(f"{name}: {shown(given[name])} is not a string")
    return str(given[name])


def _items(given: Mapping[str, Any], name: str) -> list[str]:
    """The items of a list: an array in a body, separated by commas in a URL; none when it is not there."""
    value = given.get(name, "")
    if value == "":
        return []
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        raise BadRequestData(f"{name}: {shown(value)} is not an array of strings with at least one")
    return [item.strip() for item in items]


def _text(given: Mapping[str, Any], name: str) -> str | None:
    return ",".join(_items(given, name)) if name in given else None
