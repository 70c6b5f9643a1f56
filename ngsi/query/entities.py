"""The query for entities (GS CIM 009, 5.7.2): every filter in one immutable object."""

from dataclasses import dataclass

from ngsi.query.geo import GeoQuery
from ngsi.query.q import Query
from ngsi.query.types import TypeSelection


@dataclass(frozen=True, slots=True)
class Page:
    limit: int = 20
    offset: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Filters are joined by and; an empty one holds for every entity. Names are IRIs."""

    ids: tuple[str, ...] = ()
    types: TypeSelection | None = None
    id_pattern: str | None = None
    attributes: tuple[str, ...] = ()
    q: Query | None = None
    geo: GeoQuery | None = None
    page: Page = Page()
