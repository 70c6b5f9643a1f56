"""Linked entities (GS CIM 009, 4.5.23)."""

from typing import Any

import httpx
import pytest

from tests.broker.world import BARE, CITY, GEO, HANA, LD, NOBODY, POINT, STORE, TARO, get, retrieved

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
