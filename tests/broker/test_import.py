"""`yukitsuri import`: every observation once, whatever is thrown in its way."""

import asyncio
import math
import os
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from broker.bulk import records
from broker.bulk.load import _add, _Chunk
from ngsi.errors import BadRequestData
from tests.ngsi.contexts import context

HEADER = "id,type,attribute,value,observedAt,unitCode,datasetId\n"


async def run(dsn: str, *arguments: str | Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "import", *map(str, arguments),
        env={**os.environ, "BROKER_DATABASE_URL": dsn},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def history(client: httpx.AsyncClient, entity: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"/temporal/entities/{entity}", params={"options": "temporalValues", **params})
    body: dict[str, Any] = answer.json()
    return body


async def test_csv_and_json_lines_say_the_same(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "b.jsonl"
    table.write_text(
        "﻿" + HEADER
        + "urn:s:1,Station,t,21.5,2026-06-19T12:00:00+09:00,CEL,\n"
        + "urn:s:1,Station,t,22,2026-06-19T13:00:00+09:00,CEL,\n"
        + "urn:s:1,Station,state,晴れ,2026-06-19T13:00:00+09:00,,\n"
        + "urn:s:1,Station,t,99,2026-06-19T13:00:00+09:00,CEL,urn:d:1\n",
        encoding="utf-8",
    )  # fmt: skip
    code, out, err = await run(dsn, table)
    assert (code, out.partition(": ")[2]) == (0, "4 readings stored, 0 were there already, 0 lines refused\n"), err
    body = await history(client, "urn:s:1", datasetId="@none")
    assert body["t"]["values"] == [[21.5, "2026-06-19T03:00:00Z"], [22, "2026-06-19T04:00:00Z"]]
    assert body["state"]["values"] == [["晴れ", "2026-06-19T04:00:00Z"]]
    entity = (await client.get("/entities/urn:s:1")).json()
    assert sorted(item["value"] for item in entity["t"]) == [22, 99]
    rows = [
        {"id": "urn:s:1", "type": "Station", "attribute": "t", "value": 22, "observedAt": "2026-06-19T04:00:00Z"},
        {"id": "urn:s:1", "type": "Station", "attribute": "t", "value": 5, "observedAt": "2026-06-18T04:00:00Z"},
        {
            "id": "urn:s:2",
            "type": "Station",
            "attribute": "at",
            "value": "urn:p:1",
            "observedAt": "2026-06-18T04:00:00Z",
            "kind": "Relationship",
        },
    ]
    lines.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    code, out, _ = await run(dsn, lines)
    assert out.partition(": ")[2] == "2 readings stored, 1 were there already, 0 lines refused\n"
    assert (await client.get("/entities/urn:s:2")).json()["at"]["object"] == "urn:p:1"
    late = (await client.get("/entities/urn:s:1", params={"datasetId": "@none"})).json()
    assert late["t"]["value"] == 22


async def test_a_new_entity_comes_in_one_change(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    hours = [f"urn:s:1,Station,t,{hour},2026-06-19T{hour:02}:00:00Z,CEL,\n" for hour in (3, 1, 2)]
    table.write_text(HEADER + "".join(hours) + "urn:s:1,Place,u,5,2026-06-19T03:00:00Z,,urn:d:1\n")
    code, out, err = await run(dsn, table)
    assert (code, out.partition(": ")[2]) == (0, "4 readings stored, 0 were there already, 0 lines refused\n"), err
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("select operation, attributes::text like '%\"value\":3%' as newest from log")
    assert [tuple(row) for row in rows] == [("create", True)]
    assert (await client.delete("/entities/urn:s:1")).status_code == 204
    os.utime(table, (1, 1))  # the same readings, of an entity that is no longer there
    _, out, _ = await run(dsn, table)
    assert out.partition(": ")[2] == "0 readings stored, 4 were there already, 0 lines refused\n"
    assert await connection.fetchval("select count(*) from history where not deleted") == 4
    await connection.close()


async def test_what_cannot_be_read_is_told(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    good = "urn:s:1,Station,t,1,2026-06-19T12:00:00Z,,\n"
    bad = [
        "not an id,Station,t,1,2026-06-19T12:00:00Z,,\n",
        "urn:s:1,Station,t,1,2026-06-19T12:00:00,,\n",
        "urn:s:1,Station,t,1,yesterday,,\n",
        "urn:s:1,Station,,1,2026-06-19T12:00:00Z,,\n",
        "urn:s:1,Station,t,,2026-06-19T13:00:00Z,,\n",
        "urn:s:9,Station,not a name,1,2026-06-19T12:00:00Z,,\n",
        "urn:s:1\n",
    ]
    table = tmp_path / "mixed.csv"
    table.write_text(HEADER + good + "".join(bad))
    code, out, err = await run(dsn, table)
    assert code == 1
    assert out.partition(": ")[2] == f"1 readings stored, 0 were there already, {len(bad)} lines refused\n"
    told = (tmp_path / "mixed.csv.refused").read_text().splitlines()
    assert [int(line.partition("\t")[0]) for line in told] == list(range(2, len(bad) + 2))
    assert "observedAt" in err
    assert (await client.get("/entities/urn:s:9")).status_code == 404
    for name, content in (("x.csv", "a,b\n1,2\n"), ("x.txt", ""), ("missing.csv", None), ("x.parquet", "no")):
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        code, _, err = await run(dsn, path)
        assert code == 1
        assert "Traceback" not in err


READING = {"id": "urn:s:1", "type": "Station", "attribute": "t", "value": 1, "observedAt": "2026-06-19T12:00:00Z"}
HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"observedAt": "0001-01-01T00:00:00+09:00"}, "observedAt"),
    ({"observedAt": "9999-12-31T23:59:59-09:00"}, "observedAt"),
    ({"value": "urn:ngsi-ld:null"}, "null"),
    ({"value": "urn:ngsi-ld:null", "kind": "Relationship"}, "null"),
    ({"value": {"@none": "urn:ngsi-ld:null"}, "kind": "LanguageProperty"}, "null"),
    ({"unitCode": 5}, "unitCode"),
    ({"unitCode": ["CEL"], "datasetId": "urn:d:1"}, "unitCode"),
    ({"unitCode": "CEL", "value": "urn:p:1", "kind": "Relationship"}, "unitCode"),
    ({"datasetId": 5}, "datasetId"),
    ({"value": "a\0b"}, "U+0000"),
    ({"value": [{"a": "a\0b"}]}, "U+0000"),
    ({"value": orjson.loads("[" * 51 + "]" * 51)}, "deeper"),
    ({"attribute": "location"}, "GeoProperty"),
    ({"attribute": "scope", "value": "no scope"}, "scope"),
    ({"attribute": "scope", "value": "/A", "unitCode": "CEL"}, "unitCode"),
]


async def test_no_line_stops_the_others(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    lines = [orjson.dumps({**READING, **more}) for more, _ in HOSTILE]
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join([orjson.dumps(READING), *lines]))
    code, out, err = await run(dsn, path)
    assert (code, "Traceback" in err) == (1, False), err
    assert out.partition(": ")[2] == f"1 readings stored, 0 were there already, {len(HOSTILE)} lines refused\n"
    told = [line.partition("\t")[2] for line in (tmp_path / "hostile.jsonl.refused").read_text().splitlines()]
    assert all(word in line for (_, word), line in zip(HOSTILE, told, strict=True)), told


async def test_a_late_scope_of_a_file_leaves_the_current_one(
    client: httpx.AsyncClient, dsn: str, tmp_path: Path
) -> None:
    for number, (hour, value, now) in enumerate([(5, "/A", "/A"), (3, "/B", "/A"), (7, "/C", "/C")]):
        path = tmp_path / f"{number}.jsonl"
        stamp = f"2026-06-19T{hour:02}:00:00Z"
        path.write_bytes(orjson.dumps({**READING, "attribute": "scope", "value": value, "observedAt": stamp}))
        assert (await run(dsn, path))[0] == 0
        assert (await client.get("/entities/urn:s:1")).json()["scope"] == now
    values = (await history(client, "urn:s:1"))["scope"]["values"]
    assert [value for value, _ in values] == ["/B", "/A", "/C"]


def test_parquet_holds_more_than_json(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="Parquet is optional: pip install pyarrow")
    from pyarrow import parquet

    def table(name: str, **more: Any) -> Path:
        one = {key: [value] for key, value in READING.items()}
        parquet.write_table(arrow.table({**one, **more}), tmp_path / name)
        return tmp_path / name

    def refused(**more: Any) -> str:
        (line,) = records.read(table("a.parquet", **more))
        with pytest.raises(BadRequestData) as error:
            _add(_Chunk(), line[1], context(), 0)
        return error.value.detail

    for value in (math.nan, math.inf, b"a", Decimal("1.5"), date(2026, 6, 19)):
        assert "value" in refused(value=[value])
    for more in ({"observedAt": arrow.array([1], arrow.timestamp("ns", tz="UTC"))}, {"value": _not_utf_8(arrow)}):
        with pytest.raises(records.UnreadableFile, match=r"b\.parquet"):
            list(records.read(table("b.parquet", **more)))


def _not_utf_8(arrow: Any) -> Any:
    return arrow.Array.from_buffers(arrow.string(), 1, arrow.array([b"\xff"]).buffers())


def test_cells_beyond_the_header_are_told(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    good = "urn:s:1,Station,t,1,2026-06-19T12:00:00Z,,"
    table.write_text(HEADER + f"{good}\n{good},,\n\n{good},x\n")
    lines = [(number, columns) for number, columns, _ in records.read(table)]
    assert [number for number, _ in lines] == [1, 2, 4]
    assert ["error" in columns for _, columns in lines] == [False, False, True]


async def test_kill_9_loses_and_doubles_nothing(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    table = tmp_path / "many.csv"
    with table.open("w") as file:
        file.write(HEADER)
        for number in range(60_000):
            day, minute = divmod(number // 20, 1440)
            at = f"2026-06-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z"
            file.write(f"urn:s:{number % 20},Station,t,{number % 977},{at},,\n")
    code = (
        "import sys, deploy.cli, broker.bulk.load as load; load.CHUNK = 2000; "
        "sys.exit(deploy.cli.main(['import', sys.argv[1]]))"
    )
    kills = 0
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(table),
            env={**os.environ, "BROKER_DATABASE_URL": dsn}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        for _ in range(3):
            await process.stderr.readline()
        if process.returncode is None:
            process.kill()
            kills += 1
        await process.wait()
    assert kills
    connection = await asyncpg.connect(dsn)
    assert 0 < await connection.fetchval("select lines from import_file") < 60_000
    assert (await run(dsn, table))[0] == 0
    assert await connection.fetchval("select count(*) from history") == 60_000
    assert await connection.fetchval("select stored + known from import_file") == 60_000
    assert (await run(dsn, table))[0] == 0  # done already
    assert await connection.fetchval("select count(*) from history") == 60_000
    await connection.close()
    values = (await history(client, "urn:s:7", lastN=1))["t"]["values"]
    entity = (await client.get("/entities/urn:s:7")).json()
    assert values == [[entity["t"]["value"], entity["t"]["observedAt"]]]


def test_cells_are_json_where_they_can_be() -> None:
    cells = {
        "1": 1,
        "-1.5e3": -1500.0,
        "true": True,
        '{"a":1}': {"a": 1},
        "null": "null",
        "-": "-",
        "12a": "12a",
        "雪": "雪",
        "18446744073709551615": 2**64 - 1,
        "18446744073709551616": "18446744073709551616",  # as a number it would lose digits
    }
    assert {cell: records.value_of_cell(cell) for cell in cells} == cells


def test_a_line_keeps_its_digits_or_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "large.jsonl"
    table.write_text('{"value":18446744073709551615}\n{"value":18446744073709551616}\n')
    good, bad = (columns for _, columns, _ in records.read(table))
    assert good == {"value": 2**64 - 1}
    assert "18446744073709551616" in bad["error"]
