"""Japanese time, numbers, tables and station tables: the readings and the refusals."""

import codecs
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.air_quality.compass import signed_direction
from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.documents import parsed
from adapters.codecs.gbfs import feed_urls
from adapters.codecs.gtfs import files_of
from adapters.codecs.instants import moment
from adapters.codecs.jst import JST, local, plausible, with_year
from adapters.codecs.number import MUNICIPAL, Range, number
from adapters.codecs.station import position, read_stations
from adapters.codecs.table import Row, plain_name, rows, text_of, unit_of
from adapters.contract import DecodeError
from models import Point

COLUMNS = {"name": ("名称",), "amount": ("雨量", "10分雨量")}


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026/06/19 12:50", "2026-06-19T03:50:00+00:00"),
        ("2026-06-19 12:50:38", "2026-06-19T03:50:38+00:00"),
        ("2026/6/9 0:05", "2026-06-08T15:05:00+00:00"),
        ("2026/06/19 24:00", "2026-06-19T15:00:00+00:00"),
        ("2026-12-31 24:00:00", "2026-12-31T15:00:00+00:00"),
        ("2026年6月19日 12時50分", "2026-06-19T03:50:00+00:00"),
        ("２０２６／０６／１９　１２：５０", "2026-06-19T03:50:00+00:00"),
        ("2026-06-19", "2026-06-18T15:00:00+00:00"),
        ("令和8年6月19日(金) 24時", "2026-06-19T15:00:00+00:00"),
        ("R8.6.19 12:50", "2026-06-19T03:50:00+00:00"),
        ("令和元年５月１日", "2019-04-30T15:00:00+00:00"),
        ("平成31/4/30 23:59:59", "2019-04-30T14:59:59+00:00"),
        ("202606191250", "2026-06-19T03:50:00+00:00"),
        ("20260619", "2026-06-18T15:00:00+00:00"),
        ("2026年6月19日12時50分", "2026-06-19T03:50:00+00:00"),
        ("令和8年6月19日（金）午後3時20分", "2026-06-19T06:20:00+00:00"),
        ("2026/6/19 AM 12:05", "2026-06-18T15:05:00+00:00"),
        ("2026/6/19 9:05:10.5", "2026-06-19T00:05:10+00:00"),
        ("2026/06/19 12:50 JST", "2026-06-19T03:50:00+00:00"),
        ("2026061924", "2026-06-19T15:00:00+00:00"),
        ("2026-06-19T12:50:00+09:00", "2026-06-19T03:50:00+00:00"),
        ("2026-06-19T12:50:00.25Z", "2026-06-19T12:50:00.250000+00:00"),
    ],
)
def test_local_times(text: str, utc: str) -> None:
    assert local("t", text).astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    ["", "12:50", "2026/13/01 0:00", "2026/06/31 0:00", "2026/06/19 24:01", "2026/06/19 25:00", "R8.6.31", "X8.6.19"],
)
def test_no_local_times(text: str) -> None:
    with pytest.raises(DecodeError, match=r"^t: "):
        local("t", text)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("11月21日 8:50", "2026/11/21 8:50"),
        ("11/22 0:00", "2025/11/22 0:00"),
        ("12/31 24:00", "2025/12/31 24:00"),
        ("2024/6/19 9:00", "2024/6/19 9:00"),
        ("9:00", "9:00"),
    ],
)
def test_a_day_without_its_year_is_the_last_one(text: str, full: str) -> None:
    assert with_year(text, datetime(2026, 11, 21, 0, 0, tzinfo=UTC)) == full


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_written_local_time_is_read_back(at: datetime) -> None:
    at = at.replace(microsecond=0)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S"):
        assert local("t", at.strftime(form)) == at.replace(tzinfo=JST)


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (1781841038, "2026-06-19T03:50:38+00:00"),
        ("1781841038", "2026-06-19T03:50:38+00:00"),
        (1781841038123, "2026-06-19T03:50:38.123000+00:00"),
        ("2020-02-12T15:15:46.014773143Z", "2020-02-12T15:15:46.014773+00:00"),
        ("2026/06/19 12:50", "2026-06-19T03:50:00+00:00"),
        ("2026-06-19T12:50", "2026-06-19T03:50:00+00:00"),
        ("1781841038.25", "2026-06-19T03:50:38.250000+00:00"),
        ("2026061912", "2026-06-19T03:00:00+00:00"),
    ],
)
def test_instants_of_machines(value: object, utc: str) -> None:
    assert moment("t", value).astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize("value", [None, True, [], float("nan"), float("inf"), 1e30, "soon", "2026-06-19T25:00Z"])
def test_no_instants_of_machines(value: object) -> None:
    with pytest.raises(DecodeError, match=r"^t: "):
        moment("t", value)


def test_the_future_and_the_distant_past_are_refused() -> None:
    now = datetime(2026, 6, 19, tzinfo=UTC)
    assert plausible("t", now + timedelta(minutes=9), now)
    for wrong in (now + timedelta(minutes=11), datetime(1999, 12, 31, tzinfo=UTC)):
        with pytest.raises(DecodeError):
            plausible("t", wrong, now)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "－",
        "***",
        "欠測",
        "閉局",
        "×",
        "///",
        "N/A",
        "9999",
        "-9999",
        "99.9",
        None,
        "n/a",
        "－－",
        "…",
        "−",
        "―",
        "****",
        "//",
        "休止中",
        "9999.0",
        "９９９９",
        "99.90",
    ],
)
def test_markers_for_missing(text: str | None) -> None:
    assert number("n", text, Range(-1e6, 1e6), MUNICIPAL) is None


def test_nines_are_values_where_nobody_says_otherwise() -> None:
    assert number("n", "99.9", Range(0, 100)) == 99.9


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0.35", -0.35),
        (" 12.5 ", 12.5),
        ("１２．５", 12.5),
        ("1e1", 10.0),
        ("−0.35", -0.35),
        ("▲1", -1.0),
        ("△0.5", -0.5),
        ("－2", -2.0),
        ("+3", 3.0),
        ("0,012.5", 12.5),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert number("n", text, Range(-100, 100)) == value


@pytest.mark.parametrize("text", ["12,5", "abc", "1_0", "１_０", "inf", "1e999", "101", "-101", "0x10", "12.5mm"])
def test_no_numbers(text: str) -> None:
    with pytest.raises(DecodeError, match=r"^n: "):
        number("n", text, Range(-100, 100))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_encodings_are_told_apart(encoding: str) -> None:
    text = "観測所名,髙橋①～－\r\n"
    assert text_of(text.encode(encoding)) == text


@pytest.mark.parametrize("body", [b"\x80\xff", "観測所".encode("euc-jp"), codecs.BOM_UTF8 + b"\xff", b"\xff\xfe\x00"])
def test_no_encoding_is_guessed(body: bytes) -> None:
    with pytest.raises(DecodeError):
        text_of(body)


def cells(body: str) -> list[dict[str, str] | str]:
    found = rows(body.encode(), COLUMNS, ("name", "amount"))
    return [dict(row.cells) if isinstance(row, Row) else row.rule for row in found]


def test_columns_are_found_by_name_wherever_they_are() -> None:
    assert cells("時刻,１０分雨量（mm）,名 称\n1,0.5,駅西\n") == [{"name": "駅西", "amount": "0.5"}]
    assert cells("名称\t雨量\n駅西\t1\n") == [{"name": "駅西", "amount": "1"}]
    assert plain_name("１０分雨量（mm）") == plain_name("10分雨量(mm)") == "10分雨量"


def test_the_first_of_two_columns_and_of_two_names_counts() -> None:
    assert cells("名称,雨量,雨量,10分雨量\n駅西,1,2,3\n") == [{"name": "駅西", "amount": "1"}]


def test_line_ends_quotes_blanks_and_notes() -> None:
    body = '名称,雨量\r\n"駅\n西",1\n\r\n,,\n※ 速報値\n城南,2\r浅野川,3,余分,\n'
    assert [cell if isinstance(cell, str) else cell["amount"] for cell in cells(body)] == ["1", "2", "3"]


def test_rows_know_their_lines_even_after_a_quote_that_never_ends() -> None:
    table = 'a,b\r\n1,"x\r\ny"\r\n3,"4\r\n5,6\r\n7,8'
    found = rows(table.encode(), {"a": ("a",)}, ("a",))
    assert [(each.line, each.cells["a"]) for each in found if isinstance(each, Row)] == [
        (3, "1"),
        (4, "3"),
        (5, "5"),
        (6, "7"),
    ]


def test_a_short_row_is_refused_alone_and_can_be_replayed() -> None:
    found = list(rows("名称,雨量\n駅西\n城南,1\n".encode(), COLUMNS, ("name", "amount")))
    assert isinstance(found[0], DecodeError)
    assert found[0].raw == "名称,雨量\n駅西\n".encode()
    assert isinstance(found[1], Row)
    assert list(rows(found[1].raw, COLUMNS, ("name", "amount"))) == [found[1]._replace(line=2)]


def test_titles_may_stand_above_the_header_and_headers_may_come_again() -> None:
    assert cells("雨量一覧,,\n名称,雨量\n駅西,1\n名称,雨量\n城南,2\n") == [
        {"name": "駅西", "amount": "1"},
        {"name": "城南", "amount": "2"},
    ]
    linked = "#LINK,x\n#lang,ja\n#property,名称,雨量\na,駅西,1\n"
    assert cells(linked) == [{"name": "駅西", "amount": "1"}]


def test_a_list_of_json_objects_is_a_table() -> None:
    assert cells('[{"雨量":0.5,"名称":"駅西"},{"名称":"城南","雨量":null}]') == [
        {"name": "駅西", "amount": "0.5"},
        {"name": "城南", "amount": ""},
    ]
    assert cells('{"result":{"records":[{"名称":"駅西","雨量":"1"}]}}') == [{"name": "駅西", "amount": "1"}]
    assert cells('[{"名称":"駅西"}, 7]') == ["has none of the columns 雨量, 10分雨量", "is no JSON object"]


def test_one_of_several_columns_may_be_required() -> None:
    (row,) = rows(b"b\n1\n", {"a": ("a",), "b": ("b",)}, (("a", "b"),))
    assert isinstance(row, Row)
    with pytest.raises(DecodeError, match="none of the columns a, b"):
        list(rows(b"c\n1\n", {"a": ("a",), "b": ("b",)}, (("a", "b"),)))


def test_the_unit_stands_in_the_header() -> None:
    assert unit_of(["時刻", "水位（ｃｍ）"], ("現在水位", "水位")) == "cm"
    assert unit_of(["水位"], ("水位",)) == ""


def test_a_bad_cell_leaves_its_neighbours_alone() -> None:
    reader = Cells()
    table = {"a": Quantity(Range(0, 10)), "b": Quantity(Range(0, 100), 100), "c": Quantity(Range(0, 1))}
    assert reader.quantities({"a": "11", "b": "61", "c": "欠測"}, table) == {"b": 0.61}
    assert [error.field for error in reader.errors] == ["a"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        list(rows(body, COLUMNS, ("name",)))
        list(rows("名称,雨量\n".encode() + body, COLUMNS, ("name",)))
    except DecodeError:
        pass


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("N", 0), ("ne", 45), ("S", 180), ("SSW", -157.5), ("NNW", -22.5), ("南南西", -157.5), ("1", 22.5), ("１６", 0)],
)
def test_wind_directions_are_signed(text: str, degrees: float) -> None:
    assert signed_direction("WD", text) == degrees


@pytest.mark.parametrize("text", ["", "C", "calm", "静穏", "0", "17", "-"])
def test_calm_has_no_direction(text: str) -> None:
    assert signed_direction("WD", text) is None


def test_positions() -> None:
    assert position("36.5", "136.6") == Point(136.6, 36.5)
    assert position("0", "0.000") is None
    assert position("", "") is None
    with pytest.raises(DecodeError, match="latitude"):
        position("136.6", "36.5")  # swapped


@pytest.mark.parametrize("table", ["code,lat,lon\n1,,\n", "code,lat,lon\n1,136,36\n", "code,lat\n1,36\n", ""])
def test_a_bad_station_table_is_refused_by_name(tmp_path: Path, table: str) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(table)
    with pytest.raises((ValueError, DecodeError)):
        read_stations(path)


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf[1]", "[1]".encode("utf-16"), b"[1]"])
def test_a_json_document_may_have_a_byte_order_mark(body: bytes) -> None:
    assert parsed(body) == [1]


def test_brackets_may_tell_columns_apart() -> None:
    columns = {"ten": ("雨量(10分)",), "hour": ("雨量(60分)",), "any": ("雨量",)}
    (row,) = rows("雨量（60分）,雨量(10分)\n3,1\n".encode(), columns, ("ten",))
    assert isinstance(row, Row)
    assert row.cells == {"ten": "1", "hour": "3"}


def test_a_damaged_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stops.txt", "stop_id,stop_name\n" + "1,駅西\n" * 1000)
    whole = buffer.getvalue()
    assert files_of(whole)["stops"].startswith(b"stop_id")
    with pytest.raises(DecodeError, match="is no zip that can be read"):
        files_of(whole[:45] + bytes([whole[45] ^ 0xFF, whole[46] ^ 0xFF]) + whole[47:])


def test_feeds_that_are_no_texts_are_passed_over() -> None:
    feeds = b'[{"name": "a", "url": "http://h/a"}, {"name": ["b"], "url": "http://h/b"}, {"name": "c", "url": 5}, 6]'
    assert feed_urls(b'{"last_updated": 1, "data": {"feeds": %s}}' % feeds) == {"a": "http://h/a"}
