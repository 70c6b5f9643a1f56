"""Whatever stands in a subscription is taken and can be served, or is refused in words: nothing breaks."""

import copy
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from ngsi import subscription, subscription_answer, subscription_document
from ngsi.errors import NgsiLdError
from ngsi.matching import matcher
from ngsi.notification import Form
from tests.ngsi.contexts import context

CONTEXT = context(Room="https://a.example/Room", t="https://a.example/t")
NOW = datetime(2026, 6, 19, tzinfo=UTC)
WHOLE: Final[dict[str, Any]] = {
    "id": "urn:a:1",
    "type": "Subscription",
    "entities": [{"type": "Room", "id": ["urn:x:1"], "idPattern": "^a"}],
    "watchedAttributes": ["t"],
    "q": 't>1;isIn{Room:a}=="x"',
    "csf": "a==1",
    "scopeQ": "/a/#",
    "geoQ": {"georel": "near;maxDistance==5", "geometry": "Point", "coordinates": [1, 2], "geoproperty": "location"},
    "temporalQ": {"timerel": "before", "timeAt": "2026-01-01T00:00:00Z"},
    "datasetId": ["@none"],
    "lang": "ja",
    "isActive": True,
    "expiresAt": "2099-01-01T00:00:00Z",
    "localOnly": True,
    "splitEntities": True,
    "expandValues": "t",
    "jsonKeys": "t",
    "ngsildConformance": "1.6",
    "notificationTrigger": ["entityCreated"],
    "throttling": 5,
    "description": "d",
    "subscriptionName": "n",
    "notification": {
        "pick": ["id", "t{a,b}"],
        "omit": ["x"],
        "format": "concise",
        "sysAttrs": True,
        "showChanges": True,
        "join": "inline",
        "joinLevel": 2,
        "endpoint": {
            "uri": "mqtt://u:p@h/a/b",
            "accept": "application/ld+json",
            "receiverInfo": [{"key": "a", "value": "b"}],
            "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}],
            "timeout": 5,
            "cooldown": 5,
        },
    },
}
STRANGE: Final[list[Any]] = [
    *(None, True, False, 0, -1, 1.5, 1e300, "", "x", "urn:ngsi-ld:null", "@none", "*", "a,b", "((", ")", '"', "金沢"),
    *([], [[]], [None], ["x"], [1], [{}], {}, {"a": 1}, {"@value": 1}, {"type": "x"}, "http://", "http://[::1"),
    *("http://a:b/", "mqtt://", "x" * 5000, "[", "{", "a{", "a{b}", "a==", "a~=(", "2026-13-01T00:00:00Z", "t}"),
]
MEMBERS: Final = ("foo", "@id", "@type", "", "type", "id", "status", "@context", "@terms", "@values")
SIGNS: Final = ("(", ")", "|", ";", '"', "{", "}", ",", " ", "=", "~", "/", "#", "%00", "é", "\\")


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every member and item, at any depth."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(node[key], (*path, key))


def spoil(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    body = copy.deepcopy(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        path = chance.choice(list(places(body)) or [("foo",)])
        holder: Any = body
        for key in path[:-1]:
            holder = holder[key]
        what, old = chance.random(), holder.get(path[-1]) if isinstance(holder, dict) else holder[path[-1]]
        if what < 0.15 and isinstance(holder, dict):
            holder.pop(path[-1], None)
        elif what < 0.25 and isinstance(holder, dict):
            holder[chance.choice(MEMBERS)] = copy.deepcopy(chance.choice(STRANGE))
        elif what < 0.4 and isinstance(old, str):
            at = chance.randrange(len(old) + 1)
            holder[path[-1]] = old[:at] + chance.choice(SIGNS) + old[at + chance.randrange(2) :]
        else:
            holder[path[-1]] = copy.deepcopy(chance.choice(STRANGE))
    return body


@pytest.mark.parametrize("seed", range(4))
def test_a_strange_subscription_is_refused_in_words_or_can_be_served(seed: int) -> None:
    chance, served = random.Random(seed), 0
    stored = subscription_document.parse(WHOLE, CONTEXT, NOW)
    for number in range(1000):
        body = spoil(WHOLE if number % 2 else {name: WHOLE[name] for name in chance.sample(list(WHOLE), 3)}, chance)
        try:
            if number % 2:
                document = {"id": "urn:a:1", **subscription_document.parse(body, CONTEXT, NOW)}
            else:
                document = subscription_document.patch(stored, body, CONTEXT, NOW)
        except NgsiLdError:
            continue
        found = subscription.read(orjson.loads(orjson.dumps(document)))
        subscription_answer.show(document, CONTEXT)
        matcher(found)
        Form(found, CONTEXT, None)
        served += 1
    assert 50 < served < 950  # the strange ones are neither all refused nor all taken
