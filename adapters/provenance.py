"""Where an entity comes from, kept with it: attribute `source`, with who provides it and what may be done with it.

    "source": {"type": "Property", "value": "rain-gauge",
               "dataProvider": ..., "license": ..., "confidentialityLevel": 1, 2 or 3}

It says nothing new when it is sent again, so it is sent with an entity's first appearance and then once an hour.
"""

import time
from collections.abc import Callable
from typing import Any

AGAIN = 3600.0  # seconds after which an entity that was deleted meanwhile gets its provenance back
KNOWN = 200_000  # ids remembered


class Provenance:
    """The provenance of one source. A level of confidentiality: 1 public, 2 limited, 3 closed."""

    def __init__(
        self, source: str, owner: str, licence: str, confidentiality: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        told = {"dataProvider": owner, "license": licence, "confidentialityLevel": confidentiality}
        self._members = {name: {"type": "Property", "value": value} for name, value in told.items() if value}
        self._source, self._clock = source, clock
        self._known: set[tuple[str, str]] = set()
        self._until = 0.0

    def stamp(self, entity: dict[str, Any], tenant: str) -> None:
        """Adds the provenance unless the entity has had it lately; an entity that names its source keeps that name."""
        key = tenant, entity["id"]
        if (now := self._clock()) > self._until or len(self._known) > KNOWN:
            self._known.clear()
            self._until = now + AGAIN
        if key in self._known:
            return
        self._known.add(key)
        entity["source"] = {"type": "Property", "value": self._source, **entity.get("source", {}), **self._members}
