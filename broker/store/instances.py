"""One attribute instance as a history row and back, exactly.

form  held in       value
f     number        a JSON number with a fraction or exponent
i     number        an integer that a double holds exactly
b     number        true (1) or false (0)
t     text          a string
a     json          an array of a Property or ListProperty; number is its size
j     json          anything else; number is that of an integer too large for a double

So `number` is what an aggregation takes of the instance (GS CIM 009, table 4.5.19.1-1), null where it has none.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson

from broker.store.arrays import numbers, texts
from ngsi import times
from ngsi.instance import Instance, null_of
from ngsi.terms import KINDS, SYSTEM_MEMBERS

KIND_NAMES: Final = tuple(KINDS)  # the order is stored: append only
_CODES: Final = {name: code for code, name in enumerate(KIND_NAMES)}
_OF_THEIR_OWN: Final = frozenset({"type", "observedAt", "unitCode", "datasetId"} | SYSTEM_MEMBERS)
_PLAIN: Final = {kind.name: _OF_THEIR_OWN | {kind.bearer} for kind in KINDS.values()}  # members that have columns
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT: Final = 2**53
_FRACTION, _INTEGER, _BOOLEAN, _TEXT, _ARRAY, _JSON = b"fibtaj"
_NUMBERS: Final = 7  # of a row's columns; the others are texts
_AT: Final = 3  # the column of the instant
_LISTED: Final = frozenset({"Property", "ListProperty"})

Row = tuple[Any, ...]


def to_row(entity: int, attribute: int, dataset_no: int, instance: Instance, deleted_at: datetime | None) -> Row:
    """The row of an instance as statement `history` of changes.sql takes it; `deleted_at` makes it a tombstone.

    Instants travel as microseconds since 2000 and the small columns as one number: of a batch's cost a tenth.
    """
    kind = KINDS[instance["type"]]
    value = instance[kind.bearer]
    observed = deleted_at is None and "observedAt" in instance
    modified = since_2000(deleted_at) if deleted_at and "deletedAt" not in instance else _micros(instance["modifiedAt"])
    at = since_2000(deleted_at) if deleted_at else _micros(instance["observedAt"]) if observed else modified
    form, number, text, json = _held(value, kind.name)
    plain = _PLAIN[kind.name]
    rest = None if instance.keys() <= plain else {key: item for key, item in instance.items() if key not in plain}
    return (
        entity,
        attribute,
        dataset_no,
        at,
        modified,
        form << 16 | _CODES[kind.name] << 8 | observed << 1 | (deleted_at is not None),
        number,
        text,
        json,
        instance.get("unitCode"),
        orjson.dumps(rest) if rest else None,
    )


def columns(rows: Sequence[Row]) -> list[str | int]:
    """The columns of rows, and their earliest instant, as statement `history` takes them."""
    found = list(zip(*rows, strict=True))
    literals = [*map(numbers, found[:_NUMBERS]), *map(texts, found[_NUMBERS:])]
    return [*literals, min(found[_AT])]


def observed_tail(value: Any, unit_code: str | None, observed_at: int, modified_at: int) -> Row:
    """What follows the first three columns of the row of a plain Property, for readings by the million."""
    form, number, text, json = _held(value, "Property")
    return observed_at, modified_at, form << 16 | _CODES["Property"] << 8 | 2, number, text, json, unit_code, None


@lru_cache(maxsize=16384)
def _micros(stamp: str) -> int:
    return since_2000(times.parse(stamp))


def since_2000(instant: datetime) -> int:
    """Microseconds since 2000, as instants travel to the database."""
    return (instant - _EPOCH) // _MICROSECOND


def _held(value: Any, kind: str) -> tuple[int, float | None, str | None, bytes | None]:
    if isinstance(value, float):
        return _FRACTION, value, None, None
    if isinstance(value, str):
        return _TEXT, None, value, None
    if isinstance(value, bool):
        return (_BOOLEAN, float(value), None, None) if kind == "Property" else (_JSON, None, None, orjson.dumps(value))
    if isinstance(value, int):
        if abs(value) <= _EXACT:
            return _INTEGER, float(value), None, None
        return _JSON, float(value), None, orjson.dumps(value)
    if isinstance(value, list) and kind in _LISTED:
        return _ARRAY, float(len(value)), None, orjson.dumps(value)
    return _JSON, None, None, orjson.dumps(value)


def from_row(row: Any, iris: dict[int, str], *, system: bool = True) -> Instance:
    """The instance of a history row, with instanceId and, when `system` or without a time of its own, system times."""
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
        instance[kind.bearer] = null_of(kind.name)
    instance["instanceId"] = f"urn:ngsi-ld:instance:{row['instance']}"
    if system or not row["observed"]:
        instance["createdAt"] = times.text(row["created_at"])
        instance["modifiedAt"] = times.text(row["modified_at"])
    return instance


def _value(row: Any) -> Any:
    form = row["form"]
    if form == b"f":
        return row["number"]
    if form == b"i":
        return int(row["number"])
    if form == b"b":
        return bool(row["number"])
    return row["text"] if form == b"t" else row["json"]
