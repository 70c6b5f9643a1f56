"""Temporal queries as files, and the files back in."""

import csv
import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from broker.bulk import write
from ngsi import times

EXPORT = "http://127.0.0.1:1026/temporal/export"
ALL = {"type": "Station", "timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}
START = datetime(2026, 6, 1, tzinfo=UTC)
VALUES: list[Any] = [
    1,
    1.5,
    -2,
    True,
    "晴れ",
    "12",
    "",
    "true",
    'a "quoted", text\nand a line',
    {"a": [1, None]},
    [1, 2],
]


async def provide(client: httpx.AsyncClient) -> None:
    at = [times.text(START + timedelta(hours=hour)) for hour in range(len(VALUES))]
    first = [{"type": "Property", "value": value, "observedAt": stamp} for value, stamp in zip(VALUES, at, strict=True)]
    other = [{"type": "Property", "value": 5, "observedAt": at[0], "unitCode": "CEL", "datasetId": "urn:d:1"}]
    link = [{"type": "Relationship", "object": "urn:p:1", "observedAt": at[0]}]
    scopes = [{"type": "Property", "value": "/A", "observedAt": at[0]}]
    scopes += [{"type": "Property", "value": ["/B", "/C"], "observedAt": at[1]}]
    for number, attributes in ((1, {"v": [*first, *other], "scope": scopes}), (2, {"at": link})):
        body = {"id": f"urn:s:{number}", "type": "Station", **attributes}
        assert (await client.post("/temporal/entities", json=body)).status_code == 201


async def test_json_lines_hold_every_instance(client: httpx.AsyncClient) -> None:
    await provide(client)
    answer = await client.get(EXPORT, params={**ALL, "format": "jsonl"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    rows = [orjson.loads(line) for line in answer.content.splitlines()]
    assert [row["value"] for row in rows if row["attribute"] == "v" and "datasetId" not in row] == VALUES
    assert [(row["unitCode"], row["datasetId"]) for row in rows if "datasetId" in row] == [("CEL", "urn:d:1")]
    assert rows[-1] == {
        "id": "urn:s:2", "type": "Station", "attribute": "at", "value": "urn:p:1",
        "observedAt": "2026-06-01T00:00:00Z", "kind": "Relationship",
    }  # fmt: skip


async def test_csv_opens_in_spreadsheets_and_narrows_like_a_query(client: httpx.AsyncClient) -> None:
    await provide(client)
    answer = await client.get(EXPORT, params={**ALL, "bom": "true"})
    assert answer.content.startswith(b"\xef\xbb\xbfid,type,attribute,value,observedAt")
    assert "attachment" in answer.headers["content-disposition"]
    narrow = {**ALL, "timerel": "between", "endTimeAt": times.text(START + timedelta(hours=2)), "pick": "v"}
    found = (await client.get(EXPORT, params={**narrow, "datasetId": "@none"}, headers={"Accept": "text/csv"})).text
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [row["value"] for row in rows] == ["1", "1.5"]
    for name, count in (("scope", 2), ("scope,v", 2 + len(VALUES) + 1)):
        found = (await client.get(EXPORT, params={**ALL, "attrs": name})).text
        assert len(list(csv.DictReader(io.StringIO(found)))) == count
    empty = await client.get(EXPORT, params={**ALL, "type": "Nothing"})
    assert empty.text.splitlines() == ["id,type,attribute,value,observedAt,unitCode,datasetId,kind"]


@pytest.mark.parametrize(
    "params", [{"type": "Station"}, {**ALL, "format": "xlsx"}, {**ALL, "lastN": 1}, {**ALL, "bom": "x"}]
)
async def test_bad_exports_are_refused(client: httpx.AsyncClient, params: Any) -> None:
    assert (await client.get(EXPORT, params=params)).status_code == 400


async def test_what_was_exported_is_imported_again(client: httpx.AsyncClient, dsn: str, tmp_path: Path) -> None:
    await provide(client)
    for name in ("csv", "jsonl"):
        tenant = {"NGSILD-Tenant": f"again_{name}"}
        path = tmp_path / f"history.{name}"
        path.write_bytes((await client.get(EXPORT, params={**ALL, "format": name})).content)
        command = [sys.executable, "-m", "deploy.cli", "import", "--tenant", tenant["NGSILD-Tenant"], str(path)]
        done = subprocess.run(command, env={"BROKER_DATABASE_URL": dsn}, capture_output=True, text=True)  # noqa: ASYNC221
        assert done.returncode == 0, done.stderr
        again = await client.get(EXPORT, params={**ALL, "format": name}, headers=tenant)
        assert again.content == path.read_bytes()
        assert (await client.get("/entities/urn:s:1", headers=tenant)).json()["scope"] == ["/B", "/C"]


async def test_more_than_fits_into_memory_comes_in_batches(client: httpx.AsyncClient) -> None:
    many = [
        {"type": "Property", "value": n, "observedAt": times.text(START + timedelta(seconds=n))} for n in range(12_000)
    ]
    await client.post("/temporal/entities", json={"id": "urn:s:9", "type": "Station", "v": many})
    lines = (await client.get(EXPORT, params={**ALL, "format": "jsonl"})).content.splitlines()
    assert [orjson.loads(line)["value"] for line in lines] == list(range(12_000))


def test_parquet_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is optional: pip install pyarrow")
    from broker.bulk import records

    file = write.ParquetFile()
    stamp = {"id": "urn:s:1", "type": "Station", "attribute": "v", "observedAt": "2026-06-01T00:00:00Z"}
    given = [{**stamp, "value": value} for value in VALUES]
    path = tmp_path / "history.parquet"
    path.write_bytes(file.write(given[:3]) + file.write(given[3:]) + file.close())
    rows = [columns for _, columns, _ in records.read(path)]
    assert [row["value"] for row in rows] == VALUES
    assert [row.get("number") for row in rows][:4] == [1.0, 1.5, -2.0, None]
    assert {row["observedAt"] for row in rows} == {START}
