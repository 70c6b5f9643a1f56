"""The same question by GET and in the body of a POST has the same answer (GS CIM 009, 6.23.1)."""

import random
from typing import Any

import httpx

from tests.broker.test_questions import ENTITIES

_VALUES: dict[str, list[str]] = {
    "type": ["Room", "Car,Office", "(Room;Office)|Car", "*", "Nothing", "A B"],
    "id": ["urn:x:1", "urn:x:1,urn:x:3", "nonsense"],
    "idPattern": ["[12]$", "["],
    "attrs": ["n", "age,gender", "createdAt", "a b"],
    "q": ["n>10", "owner{age}==40", "gender==Male", "createdAt>2020-01-01T00:00:00Z", "n>", 'name~="^a"'],
    "scopeQ": ["/Kanazawa/#", "//"],
    "georel": ["near;maxDistance==1000", "disjoint", "around"],
    "geometry": ["Point"],
    "coordinates": ["[136.65,36.57]", "[1"],
    "geoproperty": ["location"],
    "pick": ["id", "id,type,n", "owner{age}", "id,,n"],
    "omit": ["n", "location,name", "id"],
    "lang": ["en", "fr;q=0.5,ja", "??"],
    "datasetId": ["@none", "urn:d:1,@none", "x"],
    "join": ["inline", "flat", "@none", "x"],
    "joinLevel": ["1", "2", "0"],
    "containedBy": ["urn:x:4"],
    "orderBy": ["n", "id;desc", "type,n;desc", "location;dist-asc", "n;x"],
    "orderFrom": ["[136.65,36.57]"],
    "collation": ["sv", "zz"],
    "expandValues": ["gender"],
    "csf": ["a==1", "a="],
    "limit": ["1", "2", "0"],
    "offset": ["0", "1"],
    "count": ["true"],
    "options": ["keyValues", "concise,sysAttrs"],
    "local": ["true"],
}
_LISTS = frozenset({"attrs", "pick", "omit", "datasetId", "containedBy"})
_TEXTS = frozenset({"q", "scopeQ", "lang", "join", "expandValues", "csf"})
_GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
_ORDERING = {"orderBy": "orderBy", "orderFrom": "coordinates", "collation": "collation"}
_ACCEPTS = ["application/json", "application/ld+json", "application/geo+json"]


def in_a_body(given: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The Query that says the same as the parameters, and the parameters that stay."""
    body: dict[str, Any] = {"type": "Query"}
    stay = {}
    for name, value in given.items():
        if name in ("id", "type", "idPattern"):
            selector = body.setdefault("entities", [{}])[0]
            selector[name] = value.split(",") if name == "id" else value
        elif name in _LISTS:
            body[name] = value.split(",")
        elif name in _TEXTS:
            body[name] = value
        elif name in _GEO:
            body.setdefault("geoQ", {})[name] = value
        elif name in _ORDERING:
            body.setdefault("ordering", {})[_ORDERING[name]] = value.split(",") if name == "orderBy" else value
        elif name == "joinLevel":
            body[name] = int(value)
        else:
            stay[name] = value
    return body, stay


def mixture(chance: random.Random) -> dict[str, str]:
    """A few parameters; those that only make sense together come together, and id and idPattern never do."""
    names = set(chance.sample(sorted(_VALUES), chance.randint(1, 5)))
    if names & _GEO:
        names |= _GEO
    if names & _ORDERING.keys():
        names |= _ORDERING.keys()
    if "id" in names:
        names -= {"idPattern"}
    if chance.random() < 0.7:
        names |= {"type"}
    return {name: chance.choice(_VALUES[name]) for name in sorted(names)}


async def test_get_and_post_answer_alike(client: httpx.AsyncClient) -> None:
    assert (await client.post("/entityOperations/create", json=ENTITIES)).status_code == 201
    chance = random.Random(623)
    answered = 0
    for _ in range(400):
        given = mixture(chance)
        headers = {"Accept": chance.choice(_ACCEPTS)}
        body, stay = in_a_body(given)
        one = await client.get("/entities", params=given, headers=headers)
        other = await client.post("/entityOperations/query", json=body, params=stay, headers=headers)
        assert one.status_code == other.status_code in (200, 400), (given, one.text, other.text)
        if one.status_code == 200:
            answered += 1
            assert one.json() == other.json(), given
            for name in ("content-type", "ngsild-results-count"):
                assert one.headers.get(name) == other.headers.get(name), given
            links = [
                {rel for rel in ("next", "prev") if f'rel="{rel}"' in at.headers.get("link", "")} for at in (one, other)
            ]
            assert links[0] == links[1], given
    assert answered > 50
