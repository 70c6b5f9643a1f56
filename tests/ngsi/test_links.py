"""Linked entities inside others (4.5.23.2): levels, cycles, arrays, and a bound where they multiply."""

from typing import Any

import pytest

from ngsi.entity import Entity, parse_entity
from ngsi.errors import TooManyResults
from ngsi.links import Inline, Joining, targets
from ngsi.projection import parse_projection
from ngsi.representation import Representation
from tests.ngsi.contexts import context

PLAIN = context()


def entity(number: int, **attributes: Any) -> Entity:
    fragment = parse_entity({"id": f"urn:x:{number}", "type": "X", **attributes}, PLAIN)
    assert fragment.id is not None
    return Entity(fragment.id, fragment.types, fragment.attributes)


def chain(length: int) -> dict[str, Entity]:
    """Each links to the next, the last to the first."""
    made = [entity(i, n=i, next={"object": f"urn:x:{(i + 1) % length}"}) for i in range(length)]
    return {item.id: item for item in made}


@pytest.mark.parametrize(("level", "numbers"), [(1, [0, 1]), (2, [0, 1, 2]), (3, [0, 1, 2]), (9, [0, 1, 2])])
def test_levels_end_before_a_cycle(level: int, numbers: list[int]) -> None:
    known = chain(3)
    body: Any = Inline(known, PLAIN, Representation(), Joining("inline", level), 10).show(known["urn:x:0"])
    met = []
    while body is not None:
        met.append(body["n"]["value"])
        body = body["next"].get("entity")
    assert met == numbers


def test_an_entity_that_links_to_itself() -> None:
    one = entity(1, me={"object": "urn:x:1"})
    body = Inline({one.id: one}, PLAIN, Representation(), Joining("inline", 3), 10).show(one)
    assert body["me"] == {"type": "Relationship", "object": "urn:x:1"}


def test_siblings_repeat_but_each_chain_ends() -> None:
    twice = entity(1, a={"object": "urn:x:2"}, b={"object": ["urn:x:2"]})
    two = entity(2, n=2)
    body = Inline({"urn:x:2": two}, PLAIN, Representation(), Joining("inline"), 10).show(twice)
    assert body["a"]["entity"]["n"]["value"] == 2
    assert body["b"]["entity"] == [body["a"]["entity"]]


def test_instances_of_a_multi_attribute_each_have_their_own() -> None:
    one = entity(1, r=[{"object": "urn:x:2"}, {"object": "urn:x:3", "datasetId": "urn:d:1"}])
    known = {item.id: item for item in (entity(2, n=2), entity(3, n=3))}
    body = Inline(known, PLAIN, Representation(), Joining("inline"), 10).show(one)
    assert [item["entity"]["n"]["value"] for item in body["r"]] == [2, 3]
    simple = Inline(known, PLAIN, Representation(format="simplified"), Joining("inline"), 10).show(one)
    assert simple["r"]["dataset"]["urn:d:1"] == {"id": "urn:x:3", "type": "X", "n": 3}


def test_the_stored_entity_is_untouched() -> None:
    known = chain(2)
    Inline(known, PLAIN, Representation(format="simplified"), Joining("inline"), 10).show(known["urn:x:0"])
    assert known == chain(2)


def test_a_dense_graph_is_refused_before_it_explodes() -> None:
    everybody = [f"urn:x:{i}" for i in range(30)]
    known = {item.id: item for item in (entity(i, all={"object": everybody}) for i in range(30))}
    with pytest.raises(TooManyResults):
        Inline(known, PLAIN, Representation(), Joining("inline", 10), 5000).show(known["urn:x:0"])


def test_only_shown_relationships_are_followed() -> None:
    one = entity(
        1,
        a={"object": "urn:x:2"},
        b={"objectList": ["urn:x:3"]},
        c={"value": "urn:x:4"},
        d={"value": 1, "e": {"object": "urn:x:5"}},
    )
    assert sorted(target for target, _ in targets(one, Representation())) == ["urn:x:2", "urn:x:3"]
    picked = Representation(projection=parse_projection("b{id}", None, PLAIN))
    ((target, projection),) = targets(one, picked)
    assert target == "urn:x:3"
    assert projection.shows("id")
    assert not projection.shows("type")
