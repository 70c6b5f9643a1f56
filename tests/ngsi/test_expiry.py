"""What expires, when, and what is left of it (GS CIM 009, 4.22)."""

from typing import Any

import pytest

from ngsi import times
from ngsi.entity import Entity, parse_entity
from ngsi.expiry import due, expire, unexpired
from ngsi.patch import create
from ngsi.representation import Representation, represent
from tests.ngsi.contexts import context

CONTEXT = context()
NOW = times.parse("2026-06-19T03:50:00Z")
PAST, SOON, LATER = "2026-06-19T03:49:00Z", "2026-06-19T03:51:00Z", "2027-01-01T00:00:00Z"


def entity(**more: Any) -> Entity:
    made = create(None, parse_entity({"id": "urn:x:1", "type": "T", **more}, CONTEXT), NOW).after
    assert made is not None
    return made


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


# what is stored, when something of it expires next, and what is left of it now (None: nothing)
CASES: dict[str, tuple[dict[str, Any], str | None, dict[str, Any] | None]] = {
    "nothing": ({"a": prop(1, s=prop(2))}, None, {"a": prop(1, s=prop(2))}),
    "the entity, later": ({"expiresAt": SOON, "a": prop(1)}, SOON, {"a": prop(1)}),
    "the entity": ({"expiresAt": PAST, "a": prop(1)}, PAST, None),
    "an attribute": ({"a": prop(1, expiresAt=PAST), "b": prop(2, expiresAt=SOON)}, PAST, {"b": prop(2)}),
    "the first of several": ({"expiresAt": LATER, "a": prop(1, expiresAt=SOON)}, SOON, {"a": prop(1)}),
    "an instance": (
        {"a": [prop(1, expiresAt=PAST), prop(2, datasetId="urn:d:1")]},
        PAST,
        {"a": prop(2, datasetId="urn:d:1")},
    ),
    "a sub-attribute": ({"a": prop(1, s=prop(2, expiresAt=PAST), t=prop(3))}, PAST, {"a": prop(1, t=prop(3))}),
    "a sub-attribute's own": ({"a": prop(1, s=prop(2, t=prop(3, expiresAt=PAST)))}, PAST, {"a": prop(1, s=prop(2))}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_expires(case: str) -> None:
    body, first, left = CASES[case]
    stored = entity(**body)
    at = due(stored)
    assert (times.text(at) if at else None) == first
    change = expire(stored, NOW)
    assert (change is not None) == (first == PAST)
    after = change.after if change else stored
    if left is None or after is None:
        assert left is None
        assert after is None
        return
    assert {"id": "urn:x:1", "type": "T", **left} == represent(after, CONTEXT, Representation())
    assert represent(unexpired(stored, NOW), CONTEXT, Representation()) == represent(after, CONTEXT, Representation())
    assert expire(after, NOW) is None  # once is enough


def test_what_stays_keeps_its_stamps() -> None:
    stored = entity(a=prop(1, s=prop(2, expiresAt=PAST)), b=prop(3))
    change = expire(stored, times.parse(LATER))
    assert change is not None
    assert change.after is not None
    (a,), (b,) = (change.after.attributes[CONTEXT.attribute(name)] for name in "ab")
    assert (a["createdAt"], a["modifiedAt"]) == (times.text(NOW), LATER)
    assert b["modifiedAt"] == times.text(NOW)
