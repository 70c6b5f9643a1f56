"""One attribute instance as a history row and back, exactly.

form  held in       value
f     number        a JSON number with a fraction or exponent
i     number        an integer that a double holds exactly
t     text          a string
j     json          anything else
"""

from datetime import datetime
from typing import Any, Final

import orjson

from ngsi import times
from ngsi.attribute import Instance
from ngsi.terms import KINDS

KIND_NAMES: Final = tuple(KINDS)  # the order is stored: append only
_CODES: Final = {name: code for code, name in enumerate(KIND_NAMES)}
_COLUMNS_OF_THEIR_OWN: Final = frozenset({"type", "observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt"})
_EXACT: Final = 2**53

Row = tuple[Any, ...]


def to_row(entity: int, attribute: int, dataset_no: int, instance: Instance, deleted_at: datetime | None) -> Row:
    """The row of an instance, in the order of `history.sql`; `deleted_at` makes it a tombstone."""
    kind = KINDS[instance["type"]]
    value = instance[kind.bearer]
    modified = deleted_at or times.parse(instance["modifiedAt"])
    observed = "observedAt" in instance and deleted_at is None
    at = times.parse(instance["observedAt"]) if observed else modified
    form, number, text, json = _held(value)
    rest = {key: item for key, item in instance.items() if key not in _COLUMNS_OF_THEIR_OWN and key != kind.bearer}
    members = orjson.dumps(rest) if rest else None
    return (
        entity,
        attribute,
        dataset_no,
        at,
        observed,
        modified,
        deleted_at is not None,
        _CODES[kind.name],
        form,
        number,
        text,
        json,
        instance.get("unitCode"),
        members,
    )


def _held(value: Any) -> tuple[bytes, float | None, str | None, bytes | None]:
    if isinstance(value, float):
        return b"f", value, None, None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT:
        return b"i", float(value), None, None
    if isinstance(value, str):
        return b"t", None, value, None
    return b"j", None, None, orjson.dumps(value)


def from_row(row: Any, iris: dict[int, str]) -> Instance:
    """The instance of a history row, with instanceId and the system times."""
    kind = KINDS[KIND_NAMES[row["type"]]]
    instance: Instance = {"type": kind.name, kind.bearer: _value(row)}
    if row["unit_code"] is not None:
        instance["unitCode"] = row["unit_code"]
    if row["dataset"]:
        instance["datasetId"] = iris[row["dataset"]]
    if row["observed"]:
        instance["observedAt"] = times.text(row["at"])
    instance.update(row["members"] or {})
    if row["deleted"]:
        instance["deletedAt"] = times.text(row["at"])
        instance[kind.bearer] = "urn:ngsi-ld:null"
    instance["instanceId"] = f"urn:ngsi-ld:instance:{row['instance']}"
    instance["createdAt"] = times.text(row["created_at"])
    instance["modifiedAt"] = times.text(row["modified_at"])
    return instance


def _value(row: Any) -> Any:
    form = row["form"]
    if form == b"f":
        return row["number"]
    if form == b"i":
        return int(row["number"])
    return row["text"] if form == b"t" else row["json"]
