"""Linked entities (GS CIM 009, 4.5.23)."""

from typing import Any

import httpx
import pytest

from broker.api.presentation import Presentation
from broker.api.view import View
from ngsi.entity import Entity
from ngsi.links import Joining
from ngsi.projection import parse_projection
from ngsi.representation import Representation
from tests.broker.world import BARE, CITY, GEO, HANA, LD, NOBODY, POINT, STORE, TARO, get, retrieved
from tests.ngsi.contexts import context
from tests.ngsi.test_links import entity

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_inline(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, STORE, join="inline")
    owner = body["owner"]
    assert owner["object"] == HANA
    assert owner["entity"]["id"] == HANA
    assert owner["entity"]["age"] == {"type": "Property", "value": 41}
    assert owner["entity"]["livesIn"] == {"type": "Relationship", "object": CITY}  # one level only
    assert [item["id"] for item in body["staff"]["entity"]] == [TARO, HANA]  # the missing one is skipped
    assert [item["id"] for item in body["route"]["entityList"]] == [CITY, HANA]
    assert "entity" not in (await retrieved(http, BARE, join="inline"))["owner"]


async def test_inline_levels_end_at_cycles(http: httpx.AsyncClient) -> None:
    body = await retrieved(http, HANA, join="inline", joinLevel=5)
    taro = body["friend"]["entity"]
    assert taro["id"] == TARO
    assert "entity" not in taro["friend"]  # its friend is Hana again
    assert body["livesIn"]["entity"]["id"] == CITY


async def test_inline_in_other_forms(http: httpx.AsyncClient) -> None:
    concise = await retrieved(http, STORE, join="inline", format="concise")
    assert concise["owner"]["entity"]["age"] == 41
    assert concise["route"]["objectList"] == [CITY, NOBODY, HANA]
    simple = await retrieved(http, STORE, join="inline", format="simplified", lang="en")
    assert simple["owner"]["age"] == 41
    assert simple["staff"][1] == NOBODY
    assert simple["staff"][0]["name"] == "太郎"
    assert simple["route"][0] == {"id": CITY, "type": "City", "name": "Kanazawa", "location": POINT}
    stamped = await retrieved(http, HANA, join="inline", options="sysAttrs")
    assert stamped["friend"]["entity"]["age"]["createdAt"]


@pytest.mark.parametrize(
    ("params", "owner"),
    [
        ({"pick": "owner{age}"}, {"age": 41}),
        ({"pick": "owner{id,livesIn{name}}", "joinLevel": 2, "lang": "ja"}, {"id": HANA, "livesIn": {"name": "金沢"}}),
        ({"pick": "id,owner"}, {"id": HANA}),
        ({"omit": "name,friend,livesIn,staff,route"}, {"id": HANA, "type": ["Person", "Owner"], "age": 41}),
        ({"pick": "owner", "omit": "owner{id,type,name,friend,livesIn}"}, None),
        (
            {"attrs": "owner", "omit": None},
            {"id": HANA, "type": ["Person", "Owner"], "name": "花", "age": 41, "livesIn": CITY, "friend": TARO},
        ),
    ],
)
async def test_projection_of_linked_entities(http: httpx.AsyncClient, params: Any, owner: Any) -> None:
    given = {name: value for name, value in params.items() if value is not None}
    body = await retrieved(http, STORE, join="inline", format="simplified", **given)
    assert body["owner"] == ({} if owner is None else owner)


async def test_flat_has_each_entity_once(http: httpx.AsyncClient) -> None:
    found = await retrieved(http, STORE, join="flat")
    assert found[0]["id"] == STORE  # linking entities first
    assert sorted(item["id"] for item in found[1:]) == [CITY, HANA, TARO]
    assert [item["id"] for item in await get(http, "/entities", type="Person", join="flat")] == [HANA, TARO, CITY]
    deep = await retrieved(http, STORE, join="flat", joinLevel=3, pick="id,owner,friend", format="simplified")
    assert deep == [
        {"id": STORE, "owner": HANA},
        {"id": HANA, "friend": TARO},
        {"id": TARO, "friend": HANA},
    ]


@pytest.mark.parametrize("pick", ["id,owner{nothing}", "owner", "name,owner{price}"])
@pytest.mark.parametrize("headers", [{}, LD, GEO])
async def test_flat_leaves_out_linked_entities_of_which_nothing_is_picked(
    http: httpx.AsyncClient, headers: Any, pick: str
) -> None:
    one = await retrieved(http, STORE, headers, join="flat", pick=pick)
    asked = await get(http, "/entities", headers, id=STORE, type="Store", join="flat", pick=pick)
    assert one == asked
    assert len(one["features"] if headers == GEO else one) == 1


_NAMED = {"id": STORE, "name": "店"}
_KANAZAWA = {"id": CITY, "name": "金沢"}


@pytest.mark.parametrize(
    ("params", "inline", "flat"),
    [
        (
            {"pick": "owner{name},staff{age,livesIn{name}}"},
            {"owner": {"name": "花"}, "staff": [{"age": 39}, NOBODY, {"age": 41, "livesIn": {"name": "金沢"}}]},
            [{"age": 39}, {"name": "花", "age": 41, "livesIn": CITY}, {"name": "金沢"}],
        ),
        (
            {"pick": "staff{age,livesIn{name}},owner{name}"},
            {"owner": {"name": "花"}, "staff": [{"age": 39}, NOBODY, {"age": 41, "livesIn": {"name": "金沢"}}]},
            [{"age": 39}, {"name": "花", "age": 41, "livesIn": CITY}, {"name": "金沢"}],
        ),
        (
            {"pick": "id,name,owner,staff,livesIn", "omit": "owner{id,livesIn}"},
            {
                **_NAMED,
                "owner": {"name": "花"},
                "staff": [
                    {"id": TARO, "name": "太郎"},
                    NOBODY,
                    {"id": HANA, "name": "花", "livesIn": _KANAZAWA},
                ],
            },
            [{"id": TARO, "name": "太郎"}, {"id": HANA, "name": "花", "livesIn": CITY}, _KANAZAWA],
        ),
        (  # inline ends at a cycle, flat says of an entity in it all that was picked
            {"pick": "owner{friend{friend{age}}}", "joinLevel": "3"},
            {"owner": {"friend": {"friend": HANA}}},
            [{"friend": TARO, "age": 41}, {"friend": HANA}],
        ),
    ],
)
async def test_an_entity_has_what_each_way_to_it_shows(
    http: httpx.AsyncClient, params: dict[str, str], inline: Any, flat: Any
) -> None:
    given = {"joinLevel": "2", "format": "simplified", "lang": "ja", **params}
    for path, only in ((f"/entities/{STORE}", {}), ("/entities", {"type": "Store", "id": STORE})):
        inside = await get(http, path, join="inline", **only, **given)
        assert (inside[0] if only else inside) == inline
        first, *linked = await get(http, path, join="flat", **only, **given)
        assert first.keys() == inline.keys()
        assert len(linked) == len(flat)
        assert all(item in flat for item in linked)


async def test_asked_for_entities_that_link_to_each_other(http: httpx.AsyncClient) -> None:
    asked = {"type": "Person", "join": "flat", "format": "simplified"}
    hana, taro = {"id": HANA, "friend": TARO}, {"id": TARO, "friend": HANA}
    assert await get(http, "/entities", pick="id,friend{age}", **asked) == [{**hana, "age": 41}, {**taro, "age": 39}]
    found = await get(http, "/entities", attrs="friend", **asked)
    assert found == [{**hana, "type": ["Person", "Owner"]}, {**taro, "type": "Person"}]


async def test_each_level_is_read_once_however_many_ways_lead_to_it() -> None:
    ids = [f"urn:x:{i}" for i in range(20)]
    first, *others = (entity(i, n=i, a={"object": ids}, b={"object": ids}) for i in range(20))
    read: list[list[str]] = []

    async def find_all(wanted: list[str]) -> dict[str, Entity]:
        read.append(wanted)
        return {item.id: item for item in others if item.id in wanted}

    way = "id,a,b"
    for _ in range(9):
        way = f"id,a{{{way}}},b{{n}}"
    wanted = Representation(projection=parse_projection(way, None, context()))
    view = View(find_all, context(), Presentation(wanted, Joining("flat", 10)), 50)
    assert len(await view.shown([first])) == 20
    assert [sorted(asked) for asked in read if asked] == [sorted(ids[1:])]
    assert len(read) <= 10


async def test_attrs_is_about_the_linking_entities_only(http: httpx.AsyncClient) -> None:
    store, hana = await retrieved(http, STORE, join="flat", attrs="owner", format="simplified")
    assert store.keys() == {"id", "type", "scope", "owner"}
    assert hana["age"] == 41


@pytest.mark.parametrize("join", ["flat", "inline"])
async def test_entities_met_before_are_not_repeated(http: httpx.AsyncClient, join: str) -> None:
    answer = await http.get(f"/entities/{HANA}", params={"join": join, "containedBy": f"{TARO},{STORE}"})
    assert "太郎" not in answer.text
    assert "金沢" in answer.text


async def test_without_join_nothing_is_linked(http: httpx.AsyncClient) -> None:
    assert "entity" not in (await retrieved(http, STORE, join="@none"))["owner"]
