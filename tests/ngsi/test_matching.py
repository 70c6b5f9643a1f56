"""Which changes a subscription with filters is told of (GS CIM 009, 5.8.6)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ngsi import subscription_document, times
from ngsi.entity import parse_entity
from ngsi.event import Event
from ngsi.matching import matcher
from ngsi.subscription import read
from tests.ngsi.contexts import context
from tests.ngsi.subscriptions import subscription

PLAIN = context()
NOW = datetime(2026, 6, 19, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
WENT = ["attributeDeleted"]


def replaced(before: dict[str, Any], after: dict[str, Any]) -> Event:
    old, new = (parse_entity({"id": "urn:e:1", "type": "Room", **body}, PLAIN) for body in (before, after))
    touched = [*dict.fromkeys([*old.attributes, *new.attributes])]
    return Event(1, NOW, 1, "urn:e:1", new.types, None, "replace", touched, new.attributes, old.attributes, NOW, NOW)


@pytest.mark.parametrize(
    ("more", "before", "after", "told"),
    [
        ({}, {"a": 7, "b": 1}, {"a": 2}, False),
        ({}, {"a": 7, "b": 1}, {"a": 8}, True),
        ({"notificationTrigger": WENT}, {"a": 7, "b": 1}, {"a": 7}, True),
        ({"notificationTrigger": WENT}, {"a": 7, "b": 1}, {"b": 1}, True),  # what q asks for is what was deleted
        ({"notificationTrigger": WENT, "watchedAttributes": ["b"]}, {"a": 7, "b": 1}, {"b": 1}, False),
        ({"notificationTrigger": ["entityUpdated"], "watchedAttributes": ["b"]}, {"a": 7, "b": 1}, {"b": 2}, False),
        ({"notificationTrigger": ["entityUpdated"]}, {"a": 7, "b": 1}, {"b": 1}, True),
    ],
)
def test_the_state_before_counts_for_what_fires_by_a_deletion(
    more: dict[str, Any], before: dict[str, Any], after: dict[str, Any], told: bool
) -> None:
    document = subscription_document.parse(subscription(q="a>5", **more), PLAIN, NOW)
    assert matcher(read(document))(replaced(before, after)) is told


@pytest.mark.parametrize(("moment", "told"), [(NOW, True), (LATER - timedelta(microseconds=1), True), (LATER, False)])
def test_nothing_is_told_of_changes_after_the_end(moment: datetime, told: bool) -> None:
    document = subscription_document.parse(subscription(expiresAt=times.text(LATER)), PLAIN, NOW)
    assert matcher(read(document))(replace(replaced({"a": 1}, {"a": 2}), at=moment)) is told
