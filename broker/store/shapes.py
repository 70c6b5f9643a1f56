"""Which types and attributes an entity has, noted in the write when that changes (see 0026_discovery.sql)."""

from collections.abc import Iterable, Mapping
from hashlib import md5
from typing import Final

import asyncpg

from broker.store.db import Database
from ngsi.entity import Entity
from ngsi.shape import Shape, shape

WIDE: Final = 0  # the number of entities that are too wide to share a shape
_WIDEST: Final = 64  # attributes
_MOST: Final = 20_000  # shapes in memory
_LEARN: Final = """
insert into shape (key, types, attributes)
select key, string_to_array(types, E'\\n'), coalesce(string_to_array(nullif(attributes, ''), E'\\n'), '{}')
from unnest($1::text[], $2::text[], $3::text[]) as s(key, types, attributes)
on conflict do nothing
"""
_NOTE: Final = """
insert into entity_shape (entity, tenant, shape)
select * from unnest($1::bigint[], $2::integer[], $3::integer[])
on conflict (entity) do update set shape = excluded.shape
"""

Key = tuple[int, str]


def storable(entity: Entity) -> Shape | None:
    """The entity's shape; None when it is too wide to share one."""
    return shape(entity) if len(entity.attributes) <= _WIDEST else None


async def note(
    connection: asyncpg.Connection, database: Database, moved: Mapping[Key, Shape | None], numbers: Mapping[Key, int]
) -> None:
    """Note the shapes of entities that came to be or changed theirs; the database itself forgets deleted ones."""
    if not moved:
        return
    keys = {one: _key(one) for one in moved.values() if one is not None}
    await _learn(database, keys)
    rows = [(numbers[key], key[0], database.shapes[keys[one]] if one else WIDE) for key, one in moved.items()]
    await connection.execute(_NOTE, *(list(column) for column in zip(*rows, strict=True)))


async def _learn(database: Database, keys: dict[Shape, str]) -> None:
    """Make the number of every shape known in `database.shapes`."""
    missing = {key: one for one, key in keys.items() if key not in database.shapes}
    if not missing:
        return
    if len(database.shapes) > _MOST:
        database.shapes.clear()
        missing = {key: one for one, key in keys.items()}
    texts = [(key, "\n".join(one.types), "\n".join(one.attributes)) for key, one in sorted(missing.items())]
    await database.writers.execute(_LEARN, *(list(column) for column in zip(*texts, strict=True)))
    await _look_up(database, missing)


async def _look_up(database: Database, keys: Iterable[str]) -> None:
    for row in await database.writers.fetch("select no, key from shape where key = any($1::text[])", list(keys)):
        database.shapes[row["key"]] = row["no"]


def _key(one: Shape) -> str:
    text = "\n".join(one.types) + "\n\n" + "\n".join(one.attributes)
    return md5(text.encode(), usedforsecurity=False).hexdigest()
