"""Where an entity comes from, kept with it: attribute `source`, with who provides it and what may be done with it.

"source": {"type": "Property", "value": "rain-gauge",
           "dataProvider": ..., "license": ..., "confidentialityLevel": 1, 2 or 3}
"""

from typing import Any


class Provenance:
    """The provenance of one source. A level of confidentiality: 1 public, 2 limited, 3 closed."""

    def __init__(self, source: str, owner: str, licence: str, confidentiality: int) -> None:
        told = {"dataProvider": owner, "license": licence, "confidentialityLevel": confidentiality}
        self._members = {name: {"type": "Property", "value": value} for name, value in told.items() if value}
        self._whole = {"type": "Property", "value": source, **self._members}

    def stamp(self, entity: dict[str, Any]) -> None:
        """Adds the provenance; an entity that names its source keeps that name."""
        own = entity.get("source")
        entity["source"] = {**own, **self._members} if own else self._whole
