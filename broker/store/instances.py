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

from broker.store.arrays import scalars, texts
from ngsi import times
from ngsi.instance import Instance, null_of
from ngsi.terms import KINDS, SYSTEM_MEMBERS

KIND_NAMES: Final = tuple(KINDS)  # the order is stored: append only
_NAMES: Final = tuple((kind.name, kind.bearer) for kind in KINDS.values())  # by their codes
_CODES: Final = {name: code for code, name in enumerate(KIND_NAMES)}
_OF_THEIR_OWN: Final = frozenset({"type", "observedAt", "unitCode", "datasetId"} | SYSTEM_MEMBERS)
_PLAIN: Final = {kind.name: _OF_THEIR_OWN | {kind.bearer} for kind in KINDS.values()}  # members that have columns
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT: Final = 2**53
_FRACTION, _INTEGER, _BOOLEAN, _TEXT, _ARRAY, _JSON = b"fibtaj"
_NUMBERS: Final = 7  # of a row's columns; the others are texts
AT: Final = 3  # the column of the instant
_LISTED: Final = frozenset({"Property", "ListProperty"})

FIELDS: Final = (
    "h.entity, h.attribute, h.dataset, h.at, h.observed, h.deleted, h.type, h.form, h.number, h.text, h.json, "
    "h.unit_code, h.members, h.instance"
)

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
    literals = [*map(scalars, found[:_NUMBERS]), *map(texts, found[_NUMBERS:])]
    return [*literals, min(found[AT])]


def observed_tail(value: Any, unit_code: str | None, observed_at: int, modified_at: int) -> Row:
    """What follows the first three columns of the row of a plain Property, for readings by the million."""
    form, number, text, json = _held(value, "Property")
    return observed_at, modified_at, form << 16 | _CODES["Property"] << 8 | 2, number, text, json, unit_code, None


@lru_cache(maxsize=16384)
def _micros(stamp: str) -> int:
    return since_2000(datetime.fromisoformat(stamp))  # the stamps of an instance are as `times.text` writes them


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


def from_rows(rows: Sequence[Any], iris: dict[int, str], *, system: bool = True) -> list[Instance]:
    """The instances of rows of FIELDS, created_at and modified_at, with their instanceId.

    The last two columns are needed only as they are shown: when `system`, or of an instance without a time of its own.
    """
    stamps = times.texts([row["at"] for row in rows])
    return [_instance(row, stamp, iris, system) for row, stamp in zip(rows, stamps, strict=True)]


def _instance(row: Any, stamp: str, iris: dict[int, str], system: bool) -> Instance:
    _, _, dataset, _, observed, deleted, code, form, number, text, json, unit_code, members, no, created, modified = row
    kind, bearer = _NAMES[code]
    instance: Instance = {"type": kind, bearer: number if form == b"f" else _value(form, number, text, json)}
    if unit_code is not None:
        instance["unitCode"] = unit_code
    if dataset:
        instance["datasetId"] = iris[dataset]
    if observed:
        instance["observedAt"] = stamp
    if members:
        instance.update(members)
    if deleted:
        instance["deletedAt"] = stamp
        instance[bearer] = null_of(kind)
    instance["instanceId"] = f"urn:ngsi-ld:instance:{no}"
    if system or not observed:
        instance["createdAt"] = times.text(created)
        instance["modifiedAt"] = times.text(modified)
    return instance


def _value(form: bytes, number: float, text: str, json: Any) -> Any:
    if form == b"i":
        return int(number)
    if form == b"b":
        return bool(number)
    return text if form == b"t" else json
