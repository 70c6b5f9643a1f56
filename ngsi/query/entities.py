"""The query for entities (GS CIM 009, 5.7.2): every filter in one immutable object."""

from dataclasses import dataclass

from ngsi.query.geo import GeoQuery
from ngsi.query.order import Ordering
from ngsi.query.pattern import Pattern
from ngsi.query.q import Query
from ngsi.query.scope import ScopeQuery
from ngsi.query.types import TypeSelection


@dataclass(frozen=True, slots=True)
class Page:
    limit: int = 20
    offset: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class EntitySelector:
    """Which entities (5.2.33): all that is said holds; nothing said is every entity. Types are IRIs."""

    ids: tuple[str, ...] = ()
    types: TypeSelection | None = None
    id_pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Filters are joined by and; an empty one holds for every entity. Names are IRIs.

    selectors   one of them holds (several come with a Query in a body, one at most with GET)
    attributes  the entity has one of them
    local       the asker limits the question to this broker
    """

    selectors: tuple[EntitySelector, ...] = ()
    attributes: tuple[str, ...] = ()
    q: Query | None = None
    geo: GeoQuery | None = None
    scopes: ScopeQuery | None = None
    order: Ordering | None = None
    page: Page = Page()
    local: bool = False
