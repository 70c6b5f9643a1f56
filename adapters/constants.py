"""What a thing is does not change with every reading: it is posted again only when it changed, and once an hour.

Of an entity the broker has committed, attributes without observedAt that would say the same again are left out. That
halves what the broker has to read. An entity that was deleted there gets them back within the hour.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

AGAIN = 3600.0  # seconds
KNOWN = 200_000  # entities remembered
ALWAYS = frozenset({"id", "type", "expiresAt"})


class Constants:
    """What the broker is known to hold of the entities of one source."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._until = 0.0

    def trimmed(self, entity: dict[str, Any], tenant: str) -> dict[str, Any]:
        """The entity without what the broker holds already; nothing but id and type when that is everything."""
        if (now := self._clock()) > self._until or len(self._held) > KNOWN:
            self._held.clear()
            self._until = now + AGAIN
        held = self._held.get((tenant, entity["id"]))
        if held is None:
            return entity
        return {name: member for name, member in entity.items() if name in ALWAYS or held.get(name) != member}

    def forget(self, entity_id: str, tenant: str) -> None:
        """The entity was deleted."""
        self._held.pop((tenant, entity_id), None)

    def committed(self, entity: Mapping[str, Any], tenant: str) -> None:
        """The broker has committed the entity."""
        key = tenant, entity["id"]
        constant = {
            name: member for name, member in entity.items() if name not in ALWAYS and "observedAt" not in member
        }
        if self._held.get(key) != constant:
            self._held[key] = {**self._held.get(key, {}), **constant}
