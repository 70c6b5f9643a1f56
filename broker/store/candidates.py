"""Which entities a question need look at: found by place or by asked paths, before a document is read.

A page of a question with few candidates is made of them alone; with many, the walk through the entities in their
order finds it sooner. What has no page, a count, is narrowed by all that is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.store.indexes import AskedPath, Lookup, lookups, width
from ngsi.geodesy import FLATTENING_ERROR, around
from ngsi.geometry import ewkb
from ngsi.query.boolean import All, Any_
from ngsi.query.entities import EntityQuery
from ngsi.query.geo import GeoQuery
from ngsi.query.q import Condition, Query

if TYPE_CHECKING:
    from broker.store.compile import Where

Ready: TypeAlias = Mapping[AskedPath, int]
Rows: TypeAlias = "Callable[[Where, int | None], str]"

# Of 100,000 entities the walk finds a page of 100 sooner than more than these are looked up, if they lie anywhere; when
# all lie at the end, as the newest do, it takes 100 ms and more.
FEW_FACTS: Final = 5000
FEW_PLACES: Final = 10_000
_BOUNDED: Final = frozenset({"within", "contains", "intersects", "equals", "overlaps"})
_POINTS: Final = frozenset({"Point", "MultiPoint"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """`rows` is SQL for pairs (entity, sure), as many as its second argument allows; an entity may come twice.

    `rest` is what is left to ask of each, `doubt` what is to be asked besides of those that are not sure. There are
    `few` when that many are looked at sooner than entities in their order.
    """

    rows: Rows
    rest: EntityQuery
    doubt: Query | None
    few: int


def choose(query: EntityQuery, ready: Ready) -> Candidates | None:
    """How to find the candidates of `query`: by what is equal first, then by place, then by range; not when it names
    them itself."""
    if _names_ids(query):
        return None
    known = [(part, found) for part in _parts(query.q) if (found := _ready_lookups(part, ready)) is not None]
    doubt, found = min(known, key=lambda item: width(item[1]), default=(None, None))
    if query.geo is not None and _is_bounded(query.geo) and (found is None or width(found)):
        return Candidates(_places(query.geo), replace(query, geo=None), None, FEW_PLACES)
    if found is None or doubt is None:
        return None
    rest = replace(query, q=_joined([part for part in _parts(query.q) if part is not doubt]))
    return Candidates(_facts(found, ready, sure=_one_tells_all(doubt)), rest, doubt, FEW_FACTS)


def narrow(query: EntityQuery, ready: Ready) -> tuple[list[Rows], EntityQuery]:
    """All that tells candidates of `query`, each of which an entity must be among, and what is left to ask then."""
    if _names_ids(query):
        return [], query
    rows: list[Rows] = []
    left = []
    for part in _parts(query.q):
        found = _ready_lookups(part, ready)
        if found is not None:
            rows.append(_facts(found, ready, sure=False))
        if found is None or not (_one_tells_all(part) and all(item.exact for item in found)):
            left.append(part)
    rest = replace(query, q=_joined(left))
    if query.geo is not None and _is_bounded(query.geo):
        return [_places(query.geo), *rows], replace(rest, geo=None)
    return rows, rest


def spatial(query: GeoQuery, shape: str, where: "Where") -> str:
    """The relation of the query between the geometry `shape` and its own; `near` on the ellipsoid.

    The sphere tells near and far in a tenth of the time, but for what lies close to the distance asked for.
    """
    origin = _origin(query, where)
    metres = query.max_distance or query.min_distance
    if metres is None:
        return f"ST_{query.relation}({shape}, {origin})"

    def within(most: float, use_spheroid: str) -> str:
        return f"ST_DWithin({shape}::geography, {origin}::geography, {where.bind(most)}, {use_spheroid})"

    surely, perhaps = metres / (1 + FLATTENING_ERROR), metres / (1 - FLATTENING_ERROR)
    near = f"({within(surely, 'false')} or ({within(perhaps, 'false')} and {within(metres, 'true')}))"
    return near if query.max_distance is not None else f"not {near}"


def bounds(query: GeoQuery, where: "Where") -> str:
    """What holds for every row `p` of `place` that can have the relation, told by its box and by index."""
    if query.relation in _BOUNDED:
        return f"bounds_of(p.shape) && {_origin(query, where)}"
    if query.max_distance is None:
        return "true"
    box = ", ".join(where.bind(edge) for edge in around(query.geometry, query.max_distance))
    return f"bounds_of(p.shape) && ST_MakeEnvelope({box}, 4326)"


def _origin(query: GeoQuery, where: "Where") -> str:
    shape = f"ST_GeomFromEWKB({where.bind(ewkb(query.geometry))})"
    return shape if query.geometry["type"] in _POINTS else f"valid_shape({shape})"


def _names_ids(query: EntityQuery) -> bool:
    return bool(query.selectors) and all(selector.ids for selector in query.selectors)


def _is_bounded(geo: GeoQuery) -> bool:
    return geo.relation in _BOUNDED or geo.max_distance is not None


def _parts(query: Query | None) -> tuple[Query, ...]:
    """What has to hold together."""
    if query is None:
        return ()
    return query.parts if isinstance(query, All) else (query,)


def _joined(parts: list[Query]) -> Query | None:
    if len(parts) > 1:
        return All(tuple(parts))
    return parts[0] if parts else None


def _ready_lookups(part: Query, ready: Ready) -> list[Lookup] | None:
    found = lookups(part)
    return found if found is not None and all(item.at in ready for item in found) else None


def _one_tells_all(part: Query) -> bool:
    """Whether what one look-up finds fulfils all of `part`."""
    return isinstance(part, Condition) or (isinstance(part, Any_) and all(map(_one_tells_all, part.parts)))


def _limited(most: int | None) -> str:
    return "" if most is None else f" limit {most}"


def _facts(found: list[Lookup], numbers: Ready, *, sure: bool) -> Rows:
    def rows(where: "Where", most: int | None) -> str:
        parts = []
        for item in found:
            told = item.sure(where.bind) if sure else "false"
            path = where.bind(numbers[item.at])
            source = f"from fact where path = {path} and {item.matches(where.bind)}"
            parts.append(f"(select entity, {told} as sure {source}{_limited(most)})")
        return f"select * from ({' union all '.join(parts)}) f{_limited(most)}"

    return rows


def _places(query: GeoQuery) -> Rows:
    def rows(where: "Where", most: int | None) -> str:
        named = f"p.attribute = {where.bind(query.geoproperty)}"
        test = f"{named} and {bounds(query, where)} and {spatial(query, 'p.shape', where)}"
        return f"select entity, true as sure from place p where {test}{_limited(most)}"

    return rows
