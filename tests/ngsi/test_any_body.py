"""Whatever JSON comes as an entity or a part of one: it is read and shown in every form, or refused with a 4xx."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest

from ngsi import patch, times
from ngsi.attribute import parse_attribute, parse_partial
from ngsi.change import Change
from ngsi.entity import Entity, Fragment, parse_entity, parse_fragment, parse_update, refuse_null
from ngsi.errors import BadRequestData, ResourceNotFound
from ngsi.expiry import due, expire, unexpired
from ngsi.instance import Instance, null_in
from ngsi.merge import merge, parse_merge
from ngsi.representation import Representation, represent
from ngsi.temporal import add, parse_evolution
from tests.ngsi.contexts import context

CASES = 4000
CONTEXT = context()
NOW = times.parse("2026-06-19T03:50:00Z")
NULL = "urn:ngsi-ld:null"
KEYS = [
    *("id", "@id", "type", "@type", "scope", "expiresAt", "location", "a", "a", "b", "気温", "ngsildproof", "dataset"),
    *("value", "object", "languageMap", "json", "vocab", "valueList", "objectList", "datasetId", "observedAt"),
    *(
        "unitCode",
        "objectType",
        "valueType",
        "entity",
        "previousValue",
        "entityIdSealed",
        "createdAt",
        "@value",
        "",
        "(",
    ),
]
LEAVES: list[Any] = [
    *(None, True, False, 0, 1, -1.5, 2**63, "", "x", NULL, [NULL], {"@none": NULL}, "urn:x:1", "@none", "ja", "/A/B"),
    *("2026-06-19T03:50:00Z", "2026-06-19T03:50:00+09:00", "2020-01-01T00:00:00Z", [], {}, [[]], ["urn:x:1", NULL]),
    *("Property", "Relationship", "GeoProperty", "LanguageProperty", "VocabProperty", "JsonProperty", "ListProperty"),
    *("ListRelationship", "Point", {"type": "Point", "coordinates": [136.65, 36.57]}, {"ja": "金沢", "en": ["a", "b"]}),
]
KINDS: list[dict[str, Any]] = [
    {"type": "Property", "value": 1, "unitCode": "CEL", "b": {"value": 2, "expiresAt": "2020-01-01T00:00:00Z"}},
    {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"], "objectType": "T"},
    {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.65, 36.57]}},
    {"type": "LanguageProperty", "languageMap": {"ja": "金沢", "@none": "x"}},
    {"type": "VocabProperty", "vocab": ["A", "B"]},
    {"type": "ListProperty", "valueList": [1, {"x": 2}]},
    {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
    {"type": "JsonProperty", "json": [{"x": None}]},
]


def anything(dice: random.Random, depth: int = 0) -> Any:
    roll = dice.random()
    if depth > 3 or roll < 0.4:
        return dice.choice(LEAVES)
    if roll < 0.5:
        return [anything(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    if roll < 0.7:  # something right with something wrong in it
        return {**dice.choice(KINDS), dice.choice(KEYS): anything(dice, depth + 1)}
    return {dice.choice(KEYS): anything(dice, depth + 1) for _ in range(dice.randint(0, 4))}


def stored(dice: random.Random) -> Entity:
    body = {"id": "urn:x:1", "type": "T", "scope": "/A", "a": dice.choice(KINDS), "b": dice.choice(KINDS)}
    entity = patch.create(None, parse_entity(body, CONTEXT), NOW).after
    assert entity is not None
    return entity


def writes(body: Any, before: Entity, dice: random.Random) -> list[Callable[[], Change]]:
    """Every write that takes such a body."""
    iri, how = CONTEXT.attribute("a"), {"simplified": dice.random() < 0.5, "language": "ja"}
    return [
        lambda: patch.create(None, parse_entity(body, CONTEXT), NOW),
        lambda: patch.replace_entity(before, parse_entity(body, CONTEXT), NOW),
        lambda: patch.upsert(before, parse_update(body, CONTEXT), NOW, update=True),
        lambda: patch.append(before, parse_fragment(body, CONTEXT), NOW),
        lambda: patch.append(before, parse_fragment(body, CONTEXT), NOW, no_overwrite=True),
        lambda: patch.update(before, parse_fragment(body, CONTEXT), NOW),
        lambda: patch.partial_update(before, iri, parse_partial("a", body, CONTEXT), NOW),
        lambda: patch.replace_attribute(before, iri, whole(parse_attribute("a", body, CONTEXT)), NOW),
        lambda: merge(before, parse_merge(body, CONTEXT, **how), NOW),
        lambda: add(before, parse_evolution(body, CONTEXT), NOW, create=True),
    ]


def whole(instances: list[Instance]) -> list[Instance]:
    refuse_null(Fragment(null=null_in({"a": instances})))
    return instances


def check(entity: Entity) -> None:
    """It can be stored and shown in every form; nothing in it is the NGSI-LD null; it expires when it says."""
    orjson.dumps(entity.attributes)
    due(entity)
    expire(entity, NOW)
    for form in ("normalized", "concise", "simplified"):
        represent(unexpired(entity, NOW), CONTEXT, Representation(format=form, sys_attrs=True))  # type: ignore[arg-type]
    for instances in entity.attributes.values():
        for instance in instances:
            told = [instance.get(name) for name in ("value", "object", "languageMap", "vocab", "valueList", "unitCode")]
            assert NULL not in told
            assert {"@none": NULL} not in told


@pytest.mark.parametrize("seed", range(4))
def test_any_body(seed: int) -> None:
    dice = random.Random(seed)
    taken = 0
    for _ in range(CASES // 4):
        before = stored(dice)
        body = anything(dice)
        if isinstance(body, dict) and dice.random() < 0.7:
            body = {"id": "urn:x:1", "type": "T", "a": body}
        for write in writes(body, before, dice):
            with suppress(BadRequestData, ResourceNotFound):
                change = write()
                taken += 1
                if change.after is not None:
                    check(change.after)
    assert taken > CASES // 4  # it is not all nonsense


def test_a_null_is_noticed_wherever_it_stands() -> None:
    dice = random.Random(5)
    found = 0
    for _ in range(CASES):
        kind = dice.choice(KINDS)
        body = {"a": kind | {dice.choice(list(kind)): dice.choice(LEAVES)}, "b": {"value": 1, "c": dice.choice(LEAVES)}}
        with suppress(BadRequestData):
            fragment = parse_fragment(body, CONTEXT)
            assert fragment.null == null_in(fragment.attributes), body
            found += fragment.null is not None
    assert found > CASES // 50  # most such bodies are refused
