"""Time travel (ours): entities as they were at an instant, rebuilt from history.

What stood then is, for each attribute, the last instance observed by that instant among those that the broker knew
by then. For an entity that it did not know yet, what was observed by then counts (imported history). A reading that
was corrected since is as corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from broker.store import recall
from broker.store.db import Database
from broker.store.history import Known, sql
from broker.store.instances import from_rows
from broker.store.tenants import known_terms
from ngsi.entity import Entity
from ngsi.instance import Attributes
from ngsi.query.entities import EntityQuery, EntitySelector, Page
from ngsi.temporal import bare
from ngsi.terms import SCOPE


@dataclass(frozen=True, slots=True)
class Past:
    """Entities as they were at `instant`: the questions that `entities` answers about the present."""

    instant: datetime

    async def retrieve(self, database: Database, tenant: int, entity_id: str) -> Entity | None:
        query = EntityQuery(selectors=(EntitySelector(ids=(entity_id,)),), page=Page(1))
        found = await self.find(database, tenant, query)
        return found[0] if found else None

    async def find(self, database: Database, tenant: int, query: EntityQuery) -> list[Entity]:
        """The page of entities that matched `query` then, oldest first."""
        known = await recall.as_of(database, tenant, query, self.instant)
        return await self._rebuilt(database, known)

    async def find_all(self, database: Database, tenant: int, ids: Sequence[str]) -> dict[str, Entity]:
        """The entities `ids` as they were then, those that were there."""
        if not ids:
            return {}
        query = EntityQuery(selectors=(EntitySelector(ids=tuple(ids)),), page=Page(len(ids)))
        return {entity.id: entity for entity in await self.find(database, tenant, query)}

    async def count(self, database: Database, tenant: int, query: EntityQuery) -> int:
        return await recall.count_as_of(database, tenant, query, self.instant)

    async def _rebuilt(self, database: Database, known: Sequence[Known]) -> list[Entity]:
        series = [(*item, entity.created_at) for entity in known for item in entity.series]
        columns = [list(column) for column in zip(*series, strict=True)] or [[], [], [], []]
        rows = await database.by_series.fetch(sql("standing"), *columns, self.instant)
        iris = await known_terms(database, {no for row in rows for no in (row["attribute"], row["dataset"])})
        attributes: dict[int, Attributes] = {}
        modified: dict[int, datetime] = {}
        for row, instance in zip(rows, from_rows(rows, iris), strict=True):
            instances = attributes.setdefault(row["entity"], {}).setdefault(iris[row["attribute"]], [])
            instances.append(bare(instance))
            modified[row["entity"]] = max(row["modified_at"], modified.get(row["entity"], row["modified_at"]))
        return [self._entity(item, attributes.get(item.no, {}), modified.get(item.no)) for item in known]

    def _entity(self, known: Known, attributes: Attributes, modified_at: datetime | None) -> Entity:
        scopes: Any = [scope for item in attributes.pop(SCOPE, []) for scope in item["value"]]
        entity = Entity(known.id, known.types, attributes, scopes, known.created_at)
        return replace(entity, modified_at=modified_at or known.created_at)
