"""What askers of earlier versions get (4.3.6.8)."""

from typing import Any

import pytest

from ngsi.downgrade import Version, downgraded
from ngsi.entity import Entity, parse_entity
from ngsi.representation import Representation, represent
from tests.ngsi.contexts import context

PLAIN = context()
FULL: dict[str, Any] = {
    "id": "urn:ngsi-ld:V:1",
    "type": ["V", "W"],
    "scope": "/A",
    "language": {"languageMap": {"en": "yes"}, "sub": {"vocab": "x", "expiresAt": "2099-01-01T00:00:00Z"}},
    "json": {"json": {"id": 1}},
    "vocab": {"vocab": ["Male", "Female"]},
    "list": {"valueList": [1, 2], "unitCode": "MTR", "valueType": "Integer"},
    "route": {"objectList": ["urn:x:1", "urn:x:2"], "objectType": "City"},
    "many": [{"value": 2, "datasetId": "urn:d:1"}, {"value": 1, "observedAt": "2026-06-19T03:50:00Z"}],
}


def entity(body: dict[str, Any]) -> Entity:
    fragment = parse_entity(body, PLAIN)
    assert fragment.id is not None
    return Entity(
        fragment.id, fragment.types, fragment.attributes, fragment.scopes or [], None, None, fragment.expires_at
    )


def seen(version: Version, body: dict[str, Any] = FULL) -> dict[str, Any]:
    return represent(downgraded(entity(body), version, PLAIN), PLAIN, Representation(sys_attrs=True))


def test_the_latest_version_changes_nothing() -> None:
    one = entity(FULL)
    assert downgraded(one, (1, 9), PLAIN) is one
    plain = entity({"id": "urn:ngsi-ld:V:1", "type": "V", "a": 1, "b": {"object": "urn:x:1"}})
    assert downgraded(plain, (1, 0), PLAIN) is plain


@pytest.mark.parametrize(
    ("version", "member", "shown"),
    [
        (
            (1, 8),
            "language",
            {"type": "LanguageProperty", "languageMap": {"en": "yes"}, "sub": {"type": "VocabProperty", "vocab": "x"}},
        ),
        ((1, 8), "list", {"type": "ListProperty", "valueList": [1, 2], "unitCode": "MTR"}),
        (
            (1, 7),
            "language",
            {"type": "LanguageProperty", "languageMap": {"en": "yes"}, "sub": {"type": "Property", "value": "x"}},
        ),
        ((1, 7), "json", {"type": "Property", "value": {"id": 1}}),
        ((1, 7), "vocab", {"type": "Property", "value": ["Male", "Female"]}),
        ((1, 7), "list", {"type": "Property", "value": [1, 2], "unitCode": "MTR"}),
        ((1, 7), "route", {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]}),
        ((1, 3), "language", {"type": "Property", "value": {"en": "yes"}, "sub": {"type": "Property", "value": "x"}}),
        ((1, 0), "many", {"type": "Property", "value": 1}),
        ((1, 0), "list", {"type": "Property", "value": [1, 2]}),
    ],
)
def test_fallbacks(version: Version, member: str, shown: Any) -> None:
    assert seen(version)[member] == shown


@pytest.mark.parametrize(
    ("version", "scope", "types"), [((1, 4), "/A", ["V", "W"]), ((1, 3), None, ["V", "W"]), ((1, 0), None, "V")]
)
def test_members_of_the_entity(version: Version, scope: str | None, types: Any) -> None:
    body = seen(version, {**FULL, "expiresAt": "2099-01-01T00:00:00Z"})
    assert body.get("scope") == scope
    assert body["type"] == types
    assert "expiresAt" not in body


def test_the_stored_entity_is_untouched() -> None:
    one = entity(FULL)
    downgraded(one, (1, 0), PLAIN)
    assert one == entity(FULL)
