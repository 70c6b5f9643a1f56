"""The order of entities (GS CIM 009, 4.23, 5.2.43): `name,age;desc` or `location;dist-asc` from a place."""

import re
from dataclasses import dataclass
from typing import Any, Final

from ngsi.errors import BadRequestData, TooComplexQuery, shown
from ngsi.geometry import Geometry
from ngsi.jsonld import Context
from ngsi.query.geo import reference
from ngsi.query.q import Path, parse_path

ROOT_COLLATION: Final = "und"
ENTITY_MEMBERS: Final = frozenset({"id", "type", "scope"})
DIRECTIONS: Final = ("asc", "desc", "dist-asc", "dist-desc")
_MOST_TERMS: Final = 10
_COLLATION: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}")


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """`path` is a member of the entity (`id`, `type`, `scope`) when it has neither attributes nor a time."""

    path: Path
    descending: bool = False
    by_distance: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    """The first term decides, then the next. `collation`: an ICU locale (RFC 6067), `und` for the root order."""

    terms: tuple[OrderTerm, ...]
    collation: str = ROOT_COLLATION
    origin: Geometry | None = None


def parse_order(
    terms: list[str], context: Context, collation: str | None = None, coordinates: Any = None, kind: str | None = None
) -> Ordering:
    """`terms` such as `name;desc`; `coordinates` and `kind` (default Point) are where distances begin.

    Raises BadRequestData, TooComplexQuery.
    """
    if len(terms) > _MOST_TERMS:
        raise TooComplexQuery(f"orderBy: more than {_MOST_TERMS} members")
    parsed = tuple(_term(term, context) for term in terms)
    origin = None
    if coordinates is not None:
        origin = reference(kind or "Point", coordinates, "orderGeometry", "orderFrom")
    elif kind is not None:
        raise BadRequestData("orderGeometry: it needs orderFrom (4.23.3)")
    if origin is None and any(term.by_distance for term in parsed):
        raise BadRequestData("orderFrom: an order by distance needs a place to begin from (4.23.3)")
    return Ordering(parsed, _collation(collation), origin)


def _term(text: str, context: Context) -> OrderTerm:
    name, _, direction = (part.strip() for part in text.partition(";"))
    if direction not in ("", *DIRECTIONS):
        raise BadRequestData(f"orderBy: {shown(direction)} is not one of {', '.join(DIRECTIONS)} (4.23.3)")
    path = Path((), name) if name in ENTITY_MEMBERS else parse_path(name, "orderBy", context)
    by_distance = direction.startswith("dist-")
    if by_distance and (path.member or path.keys):
        raise BadRequestData(f"orderBy: {shown(name)} is no GeoProperty; distances are to GeoProperties (4.23.1)")
    return OrderTerm(path, direction.endswith("desc"), by_distance)


def _collation(text: str | None) -> str:
    if text is None:
        return ROOT_COLLATION
    tag = text.removesuffix("-x-icu")
    if not _COLLATION.fullmatch(tag):
        raise BadRequestData(f"collation: {shown(text)} is not an ICU collation such as de-u-co-phonebk (RFC 6067)")
    return tag
