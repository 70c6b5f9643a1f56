"""Aggregated evolutions: every method against plain Python, and what it refuses (GS CIM 009, 4.5.19)."""

import itertools
import math
import random
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from ngsi import times
from ngsi.periods import aligned, boundaries, parse_period
from tests.broker.running import inside

ID = "urn:ngsi-ld:Station:1"
PATH = f"/temporal/entities/{ID}"
JAPAN = ZoneInfo("Asia/Tokyo")
NUMERIC: dict[str, Callable[[list[float]], float]] = {
    "totalCount": len,
    "distinctCount": lambda values: len(set(values)),
    "sum": math.fsum,
    "avg": statistics.fmean,
    "min": min,
    "max": max,
    "stddev": lambda values: statistics.stdev(values) if len(values) > 1 else 0,
    "sumsq": lambda values: math.fsum(value * value for value in values),
}


def instance(value: Any, at: datetime) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": times.text(at)}


async def provide(client: httpx.AsyncClient, **attributes: Any) -> None:
    answer = await client.post("/temporal/entities", json={"id": ID, "type": "Station", **attributes})
    assert answer.status_code in (201, 204), answer.text


async def aggregate(client: httpx.AsyncClient, **params: Any) -> Any:
    answer = await client.get(PATH, params={"options": "aggregatedValues", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def expected(series: list[tuple[datetime, float]], borders: list[datetime], method: str) -> list[list[Any]]:
    rows = []
    for start, end in itertools.pairwise(borders):
        values = [value for at, value in series if start <= at < end]
        if values:
            rows.append([NUMERIC[method](values), times.text(start), times.text(end)])
    return rows


def same(found: list[list[Any]], wanted: list[list[Any]]) -> None:
    assert [row[1:] for row in found] == [row[1:] for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one[0] == pytest.approx(other[0], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", [20, 21, 22])
async def test_every_method_equals_plain_python(client: httpx.AsyncClient, seed: int) -> None:
    chance = random.Random(seed)
    begin = datetime(2023, 12, 25, tzinfo=UTC)
    moments = {begin + timedelta(minutes=10 * chance.randrange(6 * 24 * 80)) for _ in range(400)}
    # the very borders: midnight in Japan and in UTC, a leap day, the turn of month and year
    for text in ("2023-12-31T15:00:00", "2024-01-01T00:00:00", "2024-02-28T15:00:00", "2024-02-29T23:59:59.999999"):
        moments.add(datetime.fromisoformat(text).replace(tzinfo=UTC))
    series = sorted(
        (at, chance.choice([chance.uniform(-50, 50), chance.randrange(9), 1e5 + chance.random()])) for at in moments
    )
    await provide(client, t=[instance(value, at) for at, value in series])
    start, end = datetime(2023, 12, 28, 5, tzinfo=UTC), datetime(2024, 3, 3, tzinfo=UTC)
    inside = [(at, value) for at, value in series if start <= at < end]
    window = {"timerel": "between", "timeAt": times.text(start), "endTimeAt": times.text(end)}
    for duration in ("PT6H", "P1D", "P1W", "P1M", "P1Y", f"P1M{chance.randrange(1, 9)}DT{chance.randrange(1, 24)}H"):
        for zone in (None, JAPAN):
            period = parse_period(duration)
            assert period is not None
            calendar: tzinfo = zone or UTC
            borders = boundaries(aligned(start, period, zone) if zone else start, end, period, calendar, 10_000)
            more = {"aggrTimezone": "Asia/Tokyo"} if zone else {}
            methods = ",".join(NUMERIC)
            body = await aggregate(client, aggrMethods=methods, aggrPeriodDuration=duration, **window, **more)
            for method in NUMERIC:
                same(body["t"][method], expected(inside, borders, method))


async def test_the_whole_range_is_one_period(client: httpx.AsyncClient) -> None:
    at = datetime(2026, 6, 19, tzinfo=UTC)
    await provide(client, t=[instance(value, at + timedelta(hours=value)) for value in (1, 2, 3)])
    stamps = [times.text(at + timedelta(hours=hour)) for hour in range(5)]
    for duration in ({}, {"aggrPeriodDuration": "PT0S"}):
        window = {"timerel": "between", "timeAt": stamps[0], "endTimeAt": stamps[4]}
        body = await aggregate(client, aggrMethods="sum,avg", **window, **duration)
        assert body["t"] == {"type": "Property", "sum": [[6, stamps[0], stamps[4]]], "avg": [[2, stamps[0], stamps[4]]]}
    body = await aggregate(client, aggrMethods="max", aggrPeriodDuration="PT2H")  # from the first instance on
    assert body["t"]["max"] == [[2, stamps[1], stamps[3]], [3, stamps[3], times.text(at + timedelta(hours=5))]]
    body = await aggregate(client, aggrMethods="max", timerel="before", timeAt=stamps[2])
    assert body["t"]["max"] == [[1, stamps[1], stamps[2]]]
    assert "t" not in await aggregate(client, aggrMethods="max", timerel="after", timeAt="2027-01-01T00:00:00Z")


HOURS = [datetime(2026, 6, 19, hour, tzinfo=UTC) for hour in range(4)]
VALUES: list[tuple[list[Any], dict[str, Any]]] = [
    (["b", "a", "b", "Z"], {"totalCount": 4, "distinctCount": 3, "min": "Z", "max": "b"}),
    (
        [True, False, True, True],
        {"totalCount": 4, "distinctCount": 2, "sum": 3, "avg": 0.75, "min": 0, "max": 1, "stddev": 0.5},
    ),
    ([[1, 2], [], [1], [1, 2]], {"totalCount": 4, "distinctCount": 3, "sum": 5, "avg": 1.25, "min": 0, "max": 2}),
    ([{"a": 1}, {"a": 1}, {"a": 2}, {}], {"totalCount": 4, "distinctCount": 3}),
    (
        [{"@type": "DateTime", "@value": f"2026-06-0{day}T00:00:00Z"} for day in (2, 1, 3, 3)],
        {"totalCount": 4, "distinctCount": 3, "min": "2026-06-01T00:00:00Z", "max": "2026-06-03T00:00:00Z"},
    ),
    (
        [{"@type": "Time", "@value": f"0{hour}:00:00Z"} for hour in (2, 1, 3, 3)],
        {"totalCount": 4, "distinctCount": 3, "min": "01:00:00Z", "max": "03:00:00Z", "avg": "02:15:00Z"},
    ),
    (
        [{"@type": "Time", "@value": text} for text in ("23:59:59,5Z", "23:59:59.000003Z", "24:00:00Z", "soon")],
        {"totalCount": 4, "distinctCount": 4, "min": "23:59:59.000003Z", "max": "soon", "avg": "23:59:59.250002Z"},
    ),
    (
        [{"@type": "DateTime", "@value": f"2026-06-01T00:00:{second}Z"} for second in ("00.5", "00", "00,7", "00.25")],
        {"totalCount": 4, "distinctCount": 4, "min": "2026-06-01T00:00:00Z", "max": "2026-06-01T00:00:00,7Z"},
    ),
    (
        [{"@type": "Time", "@value": text} for text in ("00:00:01.5Z", "00:00:01Z")],
        {"totalCount": 2, "distinctCount": 2, "min": "00:00:01Z", "max": "00:00:01.5Z", "avg": "00:00:01.25Z"},
    ),
    ([1, {"@type": "Time", "@value": "10:00:00Z"}, 2, "x"], {"totalCount": 4, "avg": 1.5, "sum": 3}),
    ([1, 1.0, 2, 2**53 + 1], {"totalCount": 4, "distinctCount": 3, "min": 1}),
]


@pytest.mark.parametrize(("given", "results"), VALUES)
async def test_methods_by_kind_of_value(client: httpx.AsyncClient, given: list[Any], results: dict[str, Any]) -> None:
    await provide(client, a=[instance(value, at) for value, at in zip(given, HOURS, strict=False)])
    body = await aggregate(client, aggrMethods=",".join(results))
    assert {method: rows[0][0] for method, rows in body["a"].items() if method != "type"} == results
    for method in set(NUMERIC) - results.keys() if not isinstance(given[0], int | float) else set():
        answer = await client.get(PATH, params={"options": "aggregatedValues", "aggrMethods": method})
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("/InvalidRequest")


async def test_short_periods_over_years_that_hold_little(dsn: str) -> None:
    """Most periods are empty and left out; what is limited is how many are told."""
    stamps = ["2022-12-09T13:40:00Z", "2026-06-19T00:00:00.2Z", "2026-06-19T00:00:00.7Z", "2026-06-19T00:00:01Z"]
    asked = {"aggrMethods": "sum", "timerel": "after", "timeAt": "2022-01-01T00:00:00Z"}
    async with inside(dsn, aggregation_limit=3) as client:
        await provide(client, a=[{"type": "Property", "value": i, "observedAt": at} for i, at in enumerate(stamps)])
        for period in ("PT1S", "PT0.5S"):
            answer = await client.get(
                PATH, params={"options": "aggregatedValues", "aggrPeriodDuration": period, **asked}
            )
            assert (answer.status_code == 200) == (period == "PT1S"), answer.text
            if answer.status_code == 200:
                assert answer.json()["a"]["sum"] == [
                    [0, "2022-12-09T13:40:00Z", "2022-12-09T13:40:01Z"],
                    [3, "2026-06-19T00:00:00Z", "2026-06-19T00:00:01Z"],
                    [3, "2026-06-19T00:00:01Z", "2026-06-19T00:00:02Z"],
                ]
        assert answer.json()["type"].endswith("/TooComplexQuery")


@pytest.mark.parametrize(
    ("values", "results"),
    [
        ([1e308, 1e308], {"sum": None, "avg": None, "stddev": None, "sumsq": None, "max": 1e308, "totalCount": 2}),
        ([1e308], {"sum": 1e308, "avg": 1e308, "stddev": 0, "sumsq": None}),
        ([1e200, 2], {"sum": 1e200, "avg": 5e199, "stddev": None, "sumsq": None, "min": 2}),
        ([-3e300], {"sum": -3e300, "sumsq": None}),
        ([1e-200, 3e-200], {"sum": 4e-200, "avg": 2e-200, "stddev": 0, "sumsq": 0}),
        ([1e154, 1e-200, 0], {"sumsq": 1e308}),
    ],
)
async def test_what_no_double_holds_is_refused(
    client: httpx.AsyncClient, values: list[float], results: dict[str, float | None]
) -> None:
    readings = [instance(value, at) for value, at in zip(values, HOURS, strict=False)]
    await provide(client, small=[instance(1, at) for at in HOURS], a=readings)
    for method, result in results.items():
        answer = await client.get(PATH, params={"options": "aggregatedValues", "aggrMethods": method})
        if result is not None:
            assert answer.json()["a"][method][0][0] == pytest.approx(result, rel=1e-12, abs=0), method
            continue
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "InvalidRequest"), method
        assert f"{method} of the values of" in answer.json()["detail"]
        assert "/a is beyond" in answer.json()["detail"]


FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
ENDS: list[tuple[list[str], dict[str, str], list[list[Any]]]] = [
    (
        [FIRST, "0001-01-01T05:00:00Z", LAST],
        {"aggrPeriodDuration": "P1D"},
        [[2, FIRST, "0001-01-02T00:00:00Z"], [1, "9999-12-31T00:00:00Z", LAST]],
    ),
    (
        [FIRST, "9999-06-19T00:00:00Z", LAST],
        {"aggrPeriodDuration": "P1Y"},
        [[1, FIRST, "0002-01-01T00:00:00Z"], [2, "9999-01-01T00:00:00Z", LAST]],
    ),
    (["2020-01-01T00:00:00Z"], {"aggrPeriodDuration": "P106751992D"}, [[1, FIRST, LAST]]),
    (["2020-01-01T00:00:00Z"], {"aggrPeriodDuration": "P999999999W"}, [[1, FIRST, LAST]]),
    ([LAST], {"aggrPeriodDuration": "PT1H", "timeAt": "9999-12-31T00:00:00Z"}, [[1, "9999-12-31T23:00:00Z", LAST]]),
]


@pytest.mark.parametrize(("stamps", "params", "rows"), ENDS)
async def test_periods_at_the_ends_of_the_calendar(
    client: httpx.AsyncClient, stamps: list[str], params: dict[str, str], rows: list[list[Any]]
) -> None:
    await provide(client, a=[{"type": "Property", "value": 1, "observedAt": at} for at in stamps])
    window = {"timerel": "after", "timeAt": FIRST, **params}
    found = [await aggregate(client, aggrMethods="totalCount", **window)]
    if params.keys() == {"aggrPeriodDuration"} and stamps[0] == FIRST:  # from the first instance on
        found.append(await aggregate(client, aggrMethods="totalCount", **params))
    assert [body.get("a", {}).get("totalCount") for body in found] == [rows] * len(found)


async def test_the_last_instant_of_the_calendar_is_in_a_period(client: httpx.AsyncClient) -> None:
    await provide(client, a=[{"type": "Property", "value": 1, "observedAt": LAST}])
    zones: list[dict[str, str]] = [{}, {"aggrTimezone": "Asia/Tokyo"}, {"aggrTimezone": "America/New_York"}]
    for zone in zones:
        for period in ("P1Y", "P1W", "P1D", "PT1H"):
            body = await aggregate(client, aggrMethods="totalCount", aggrPeriodDuration=period, **zone)
            ((count, _, end),) = body["a"]["totalCount"]
            assert (count, end) == (1, LAST), (period, zone)


async def test_aggregates_go_before_values_when_both_are_asked_for(client: httpx.AsyncClient) -> None:
    await provide(client, a=[instance(value, at) for value, at in zip([1, 2, 3, 4], HOURS, strict=True)])
    asked = {"options": "temporalValues,aggregatedValues", "aggrMethods": "max"}
    assert (await client.get(PATH, params=asked)).json()["a"]["max"][0][0] == 4


async def test_very_many_series_each_have_their_own(client: httpx.AsyncClient) -> None:
    stations = [
        {"id": f"urn:ngsi-ld:Station:{number:03}", "type": "Station", "t": instance(number, HOURS[0])}
        for number in range(301)
    ]
    assert (await client.post("/entityOperations/create", json=stations)).status_code == 201
    asked = {"type": "Station", "limit": 400, "timerel": "after", "timeAt": times.text(HOURS[0])}
    how = {"options": "aggregatedValues", "aggrMethods": "sum", "aggrPeriodDuration": "P1D"}
    answer = await client.get("/temporal/entities", params={**asked, **how})
    found = {body["id"]: [value for value, *_ in body["t"]["sum"]] for body in answer.json()}
    assert found == {station["id"]: [number] for number, station in enumerate(stations)}


async def test_relationships_are_counted(client: httpx.AsyncClient) -> None:
    links = [{"type": "Relationship", "object": f"urn:x:{at.hour // 2}", "observedAt": times.text(at)} for at in HOURS]
    await provide(client, link=links)
    body = await aggregate(client, aggrMethods="totalCount,distinctCount")
    assert body["link"]["type"] == "Relationship"
    assert (body["link"]["totalCount"][0][0], body["link"]["distinctCount"][0][0]) == (4, 2)
    answer = await client.get(PATH, params={"options": "aggregatedValues", "aggrMethods": "max"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("params", "status", "kind", "word"),
    [
        ({}, 400, "BadRequestData", "aggrMethods"),
        ({"aggrMethods": "median"}, 400, "BadRequestData", "median"),
        ({"aggrMethods": "avg", "aggrPeriodDuration": "1 day"}, 400, "BadRequestData", "aggrPeriodDuration"),
        ({"aggrMethods": "avg", "aggrPeriodDuration": "P0.001M"}, 400, "BadRequestData", "aggrPeriodDuration"),
        ({"aggrMethods": "avg", "aggrTimezone": "Kanazawa"}, 400, "BadRequestData", "aggrTimezone"),
        ({"aggrMethods": "avg", "aggrTimezone": "../../etc/passwd"}, 400, "BadRequestData", "aggrTimezone"),
        ({"aggrMethods": "avg", "pick": "name"}, 400, "InvalidRequest", "name"),
    ],
)
async def test_what_cannot_be_aggregated(
    client: httpx.AsyncClient, params: dict[str, str], status: int, kind: str, word: str
) -> None:
    await provide(client, t=[instance(1, at) for at in HOURS], name=[instance("x", at) for at in HOURS])
    answer = await client.get(PATH, params={"options": "aggregatedValues", "pick": "t", **params})
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith("/" + kind)
    assert word in answer.json()["detail"]


async def test_more_instances_than_an_answer_holds_come_in_parts(client: httpx.AsyncClient) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    many = [instance(number, start + timedelta(minutes=number)) for number in range(6000)]
    await provide(client, a=many, b=many, late=[instance(1, start + timedelta(days=30))])
    answer = await client.get(PATH)
    assert answer.status_code == 206
    body = answer.json()
    assert len(body["a"]) == len(body["b"]) == 5000
    assert body["late"] == []  # cut away whole (6.3.10)
    last = body["a"][-1]["observedAt"]
    assert answer.headers["content-range"] == f"date-time {times.text(start)}-{last}/*"
    rest = await client.get(
        PATH, params={"timerel": "after", "timeAt": times.text(times.parse(last) + timedelta(seconds=1))}
    )
    assert rest.status_code == 200
    assert len(rest.json()["a"]) == 1000
    newest = await client.get(PATH, params={"lastN": 6000, "timerel": "before", "timeAt": "2026-02-15T00:00:00Z"})
    assert newest.status_code == 206
    begun = newest.json()["b"][-1]["observedAt"]
    assert newest.headers["content-range"] == f"date-time 2026-02-15T00:00:00Z-{begun}/6000"
    assert len((await client.get(PATH, params={"lastN": 3})).json()["a"]) == 3
