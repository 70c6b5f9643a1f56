"""Questions over HTTP: each filter, each rule about parameters, the order of answers (GS CIM 009, 5.7.2)."""

from typing import Any

import httpx
import pytest

from tests.broker.running import inside

TOKYO = [139.7, 35.6]
KANAZAWA = [136.65, 36.57]


def point(place: list[float], **more: Any) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}, **more}


def square(west: float, south: float, size: float = 1) -> list[Any]:
    east, north = west + size, south + size
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


ENTITIES: list[dict[str, Any]] = [
    {
        "id": "urn:x:1",
        "type": "Room",
        "n": {"value": 10, "sub": {"value": 1}},
        "name": "Äpfel",
        "owner": {"object": "urn:x:4"},
        "scope": ["/Kanazawa/Korinbo", "/Public"],
        "location": point(KANAZAWA),
    },
    {
        "id": "urn:x:2",
        "type": ["Room", "Office"],
        "n": 20,
        "name": "apple",
        "owner": {"object": ["urn:x:4", "urn:x:5"]},
        "scope": "/Kanazawa",
        "location": [point(TOKYO), point(KANAZAWA, datasetId="urn:d:1")],
    },
    {
        "id": "urn:x:3",
        "type": "Car",
        "n": "thirty",
        "name": "Zebra",
        "gender": {"type": "VocabProperty", "vocab": "Male"},
        "operationSpace": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": square(136, 36)}},
    },
    {"id": "urn:x:4", "type": "Person", "age": 40, "name": "bear", "boss": {"object": "urn:x:5"}},
    {"id": "urn:x:5", "type": "Person", "age": 50, "n": True},
]


@pytest.fixture
async def filled(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post("/entityOperations/create", json=ENTITIES)).status_code == 201
    return client


async def ids(client: httpx.AsyncClient, **parameters: Any) -> str:
    answer = await client.get("/entities", params={"local": "true", **parameters})
    assert answer.status_code == 200, answer.text
    return "".join(item["id"][-1] for item in answer.json())


CROSSED = "[[[136,36],[137,37],[137,36],[136,37],[136,36]]]"


FILTERS: list[tuple[dict[str, str], str]] = [
    ({"type": "Room"}, "12"),
    ({"type": "Car,Office"}, "23"),
    ({"type": "(Room;Office)|Car"}, "23"),
    ({"type": "*"}, "12345"),
    ({"id": "urn:x:1,urn:x:3"}, "13"),
    ({"id": "urn:x:1,urn:x:3", "type": "Car"}, "3"),
    ({"idPattern": "[12]$", "type": "Room"}, "12"),
    ({"attrs": "n"}, "1235"),
    ({"attrs": "age,gender"}, "345"),
    ({"attrs": "unheardOf"}, ""),
    ({"q": "n>10"}, "2"),
    ({"q": "n"}, "1235"),
    ({"q": "!n"}, "4"),
    ({"q": "n!=10"}, "235"),
    ({"q": "n.sub==1"}, "1"),
    ({"q": 'name~="^(Ä|a)p"'}, "12"),
    ({"q": "name!~=e$"}, "134"),
    ({"q": "owner==urn:x:5"}, "2"),
    ({"q": 'owner=="urn:x:4"'}, "12"),
    ({"q": "gender==Male"}, ""),
    ({"q": "gender==Male", "expandValues": "gender"}, "3"),
    ({"q": "(n==10..15|age>45);!gender"}, "15"),
    ({"q": "createdAt>2020-01-01T00:00:00Z;n"}, "1235"),
    ({"q": 'createdAt>"2020-01-01T09:00:00+09:00";n'}, "1235"),
    ({"type": "Car", "geoproperty": "operationSpace"}, "3"),  # without a geo-query it says nothing
    ({"scopeQ": "/Kanazawa"}, "2"),
    ({"scopeQ": "/Kanazawa/#"}, "12"),
    ({"scopeQ": "(/Kanazawa/+;/Public)"}, "1"),
    ({"scopeQ": "/#"}, "12"),
    ({"scopeQ": '"/Kanazawa,/Public"'}, "12"),
    ({"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": str(KANAZAWA)}, "12"),
    ({"georel": "near;minDistance==1000", "geometry": "Point", "coordinates": str(KANAZAWA)}, "2"),
    ({"georel": "within", "geometry": "Polygon", "coordinates": str(square(139, 35))}, "2"),
    ({"georel": "disjoint", "geometry": "Polygon", "coordinates": str(square(139, 35))}, "12"),
    ({"georel": "equals", "geometry": "Point", "coordinates": str(TOKYO)}, "2"),
    ({"georel": "within", "geometry": "Polygon", "coordinates": CROSSED}, "12"),
    (
        {
            "georel": "contains",
            "geometry": "Point",
            "coordinates": str(KANAZAWA),
            "geoproperty": "operationSpace",
        },
        "3",
    ),
    (
        {
            "georel": "overlaps",
            "geometry": "Polygon",
            "coordinates": str(square(136.5, 36.5)),
            "geoproperty": "operationSpace",
        },
        "3",
    ),
]


async def test_each_filter(filled: httpx.AsyncClient) -> None:
    wrong = [(row, got) for row in FILTERS if (got := await ids(filled, **row[0])) != row[1]]
    assert not wrong


ORDERS: list[tuple[dict[str, str], str]] = [
    ({"orderBy": "n"}, "12354"),  # numbers, strings, booleans, absent
    ({"orderBy": "n;desc"}, "21354"),
    ({"orderBy": "name"}, "12435"),  # the root order puts Ä beside A
    ({"orderBy": "name;desc"}, "34215"),
    ({"orderBy": "name", "collation": "sv"}, "24315"),  # in Swedish Ä comes after Z
    ({"orderBy": "type,id;desc"}, "35421"),
    ({"orderBy": "n.sub,name"}, "12435"),
    ({"orderBy": "owner,age"}, "12453"),
    ({"orderBy": "id;desc"}, "54321"),
    ({"orderBy": "location;dist-asc", "orderFrom": str(KANAZAWA)}, "12345"),
    ({"orderBy": "location;dist-desc", "orderFrom": str(KANAZAWA)}, "21345"),
]


async def test_each_order(filled: httpx.AsyncClient) -> None:
    wrong = [(row, got) for row in ORDERS if (got := await ids(filled, **row[0])) != row[1]]
    assert not wrong


# values that are times for one reader and none for another: PostgreSQL has no year 0000, no 30th of February
ODD_TIMES = ["0000-01-01T00:00:00Z", "2020-02-30T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00+99:99"]
ODD_TIMES += [
    "9999-12-31T23:59:60Z",
    "2020-01-01T00:00:00.1234567Z",
    "2020-13-01",
    "0000-01-01",
    "24:00:00Z",
    "25:61:61Z",
]


@pytest.mark.parametrize(
    "asked", [{"orderBy": "v"}, {"orderBy": "v;desc"}, {"q": "v>1900-01-01T00:00:00Z"}, {"q": "v<12:00:00Z"}]
)
async def test_times_there_are_not_break_no_question(client: httpx.AsyncClient, asked: dict[str, str]) -> None:
    values = [*ODD_TIMES, ODD_TIMES, [ODD_TIMES], "2020-01-01T00:00:00Z"]
    bodies = [{"id": f"urn:x:{number}", "type": "O", "v": value} for number, value in enumerate(values)]
    assert (await client.post("/entityOperations/create", json=bodies)).status_code == 201
    answer = await client.get("/entities", params={"type": "O", **asked})
    assert answer.status_code == 200, answer.text
    if "orderBy" in asked:
        assert len(answer.json()) == len(bodies)


@pytest.mark.parametrize("asked", [{}, {"id": "urn:x:1"}, {"idPattern": "^urn:x:1$"}, {"idPattern": ".*"}])
async def test_wide_questions_where_they_are_allowed(dsn: str, asked: dict[str, str]) -> None:
    async with inside(dsn, wide_queries=True) as http:
        for i in (1, 2):
            await http.post("/entities", json={"id": f"urn:x:{i}", "type": f"T{i}"})
        found = (await http.get("/entities", params=asked)).json()
        everything = not asked or asked.get("idPattern") == ".*"
        assert [entity["id"] for entity in found] == (["urn:x:1", "urn:x:2"] if everything else ["urn:x:1"])


REFUSED: list[tuple[dict[str, str], str]] = [
    ({}, "too wide"),
    ({"id": "urn:x:1"}, "too wide"),
    ({"idPattern": ".*"}, "too wide"),
    ({"q": "createdAt>2020-01-01T00:00:00Z"}, "too wide"),
    ({"attrs": "createdAt"}, "too wide"),
    ({"scopeQ": "/A"}, "too wide"),
    ({"type": "*", "local": "false"}, "local"),
    ({"type": "A;;B"}, "type"),
    ({"type": "A,*"}, "type"),
    ({"type": "(A"}, "')'"),
    ({"id": "nonsense", "type": "A"}, "nonsense"),
    ({"idPattern": "(", "type": "A"}, "idPattern"),
    ({"idPattern": "(a)\\1", "type": "A"}, "idPattern"),
    ({"attrs": "in valid", "type": "A"}, "in valid"),
    ({"attrs": "a,,b", "type": "A"}, "''"),
    ({"q": "n>"}, "position 2"),
    ({"q": "n~=[a"}, "regular expression"),
    ({"q": "owner{name}", "type": "Room"}, "joinLevel"),
    ({"q": "n", "jsonKeys": "in valid"}, "in valid"),
    ({"scopeQ": "A B", "type": "A"}, "scopeQ"),
    ({"scopeQ": "/#/A", "type": "A"}, "scopeQ"),
    ({"georel": "within"}, "together"),
    ({"georel": "within", "geometry": "Point", "coordinates": "[1"}, "coordinates"),
    ({"georel": "within", "geometry": "Circle", "coordinates": "[1,2]"}, "geometry: 'Circle'"),
    ({"georel": "near;maxDistance==0", "geometry": "Point", "coordinates": "[1,2]"}, "georel"),
    ({"georel": "near", "geometry": "Point", "coordinates": "[1,2]"}, "georel"),
    ({"georel": "near;maxDistance==1;minDistance==2", "geometry": "Point", "coordinates": "[1,2]"}, "georel"),
    ({"orderBy": "n;up", "type": "A"}, "orderBy"),
    ({"orderBy": "location;dist-asc", "type": "A"}, "orderFrom"),
    ({"orderBy": "location;dist-asc", "orderFrom": "[1]", "type": "A"}, "orderFrom"),
    ({"orderBy": "n.observedAt;dist-asc", "orderFrom": "[1,2]", "type": "A"}, "GeoProperties"),
    ({"orderFrom": "[1,2]", "type": "A"}, "orderBy"),
    ({"orderBy": "name", "collation": "no such thing", "type": "A"}, "collation"),
    ({"orderBy": "name", "collation": "xyzzy-u-co-nothing", "type": "A"}, "collation"),
    ({"csf": "n>", "type": "A"}, "csf: expected a value at position 2"),
    ({"csf": "n>1e999", "type": "A"}, "csf: '1e999'"),
    ({"limit": "-1", "type": "A"}, "limit"),
    ({"limit": "0", "type": "A"}, "limit"),
    ({"limit": "1001", "type": "A"}, "limit"),
    ({"offset": "x", "type": "A"}, "offset"),
    ({"count": "yes", "type": "A"}, "count"),
]


async def test_each_refusal(client: httpx.AsyncClient) -> None:
    wrong = []
    for parameters, word in REFUSED:
        answer = await client.get("/entities", params=parameters)
        problem = answer.json()
        if (
            answer.status_code != 400
            or not problem["type"].endswith("/BadRequestData")
            or word not in problem["detail"]
        ):
            wrong.append((parameters, word, answer.status_code, problem))
    assert not wrong


QUERIES: list[tuple[dict[str, Any], str]] = [
    ({"entities": [{"type": "Room"}, {"id": "urn:x:3", "type": "Car"}]}, "123"),
    ({"entities": [{"id": "urn:x:1", "idPattern": "nothing", "type": "Room"}]}, "1"),  # the id takes precedence
    ({"entities": [{"id": ["urn:x:1", "urn:x:4"], "type": "*"}]}, "14"),
    ({"entities": [{"@id": "urn:x:3", "@type": "Car"}, {"@type": "*", "id": "urn:x:4"}]}, "34"),
    ({"entities": [{"idPattern": "[45]$", "type": "Person"}], "q": "age>45"}, "5"),
    ({"attrs": ["age", "gender"]}, "345"),
    ({"q": "gender==Male", "expandValues": "gender"}, "3"),
    ({"q": "owner{Person:age}==40", "join": "inline"}, "12"),
    ({"q": "owner{Person:boss{age}}==50", "join": "flat", "joinLevel": 2}, "12"),
    ({"geoQ": {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": KANAZAWA}}, "12"),
    ({"entities": [{"type": "Room"}], "scopeQ": "/Public"}, "1"),
    ({"entities": [{"type": "*"}], "ordering": {"orderBy": ["n;desc"]}}, "21354"),
    (
        {
            "entities": [{"type": "Room"}],
            "ordering": {"orderBy": ["location;dist-desc"], "coordinates": KANAZAWA, "geometry": "Point"},
        },
        "21",
    ),
]
REFUSED_QUERIES: list[tuple[Any, str]] = [
    ({"type": "Entity"}, "Query"),
    ({}, "too wide"),
    ({"entities": []}, "entities"),
    ({"entities": [{"id": "urn:x:1"}]}, "too wide"),
    ({"entities": ["urn:x:1"]}, "entities"),
    ({"entities": [{"type": 5}]}, "type"),
    ({"entities": [{"type": "A", "idpattern": "x"}]}, "entities: 'idpattern'"),
    ({"entities": [{"type": "A", "id": []}]}, "id"),
    ({"entities": [{"type": "A", "id": "nonsense"}]}, "nonsense"),
    ({"attrs": []}, "attrs"),
    ({"q": 5}, "q"),
    ({"q": "owner{Person:boss{age}}==50", "join": "flat"}, "joinLevel"),
    ({"geoQ": {}}, "geoQ"),
    ({"geoQ": {"georel": ["near"], "geometry": "Point", "coordinates": [1, 2]}}, "georel"),
    ({"geoQ": {"georel": "within", "geometry": {}, "coordinates": [1, 2]}}, "geometry"),
    ({"geoQ": {"georel": "within", "geometry": "Point", "coordinates": [1, 2], "property": "a"}}, "geoQ: 'property'"),
    ({"q": "n", "ordering": {"orderBy": []}}, "orderBy"),
    ({"q": "n", "ordering": {"orderBy": ["n"], "orderFrom": [1, 2]}}, "ordering: 'orderFrom'"),
    ({"q": "n", "ordering": "n"}, "ordering"),
    ({"q": "n", "ordering": {"orderBy": ["n;dist-asc"]}}, "orderFrom"),
]


async def test_each_query_of_a_body(filled: httpx.AsyncClient) -> None:
    wrong = []
    for body, found in QUERIES:
        answer = await filled.post("/entityOperations/query", json={"type": "Query", **body})
        got = "".join(item["id"][-1] for item in answer.json()) if answer.status_code == 200 else answer.text
        if got[: len(found)] != found or (len(got) > len(found) and body.get("join") != "flat"):
            wrong.append((body, found, got))
    assert not wrong


async def test_each_refused_query_of_a_body(client: httpx.AsyncClient) -> None:
    wrong = []
    for body, word in REFUSED_QUERIES:
        answer = await client.post("/entityOperations/query", json={"type": "Query", **body})
        if answer.status_code != 400 or word not in answer.json()["detail"]:
            wrong.append((body, word, answer.status_code, answer.text))
    assert not wrong
