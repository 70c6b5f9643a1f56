"""Rain tables to WeatherObserved (formats document b.1 and b.4).

Each row is one station at the end of its intervals. The station stands in the row with its code and place (AMeDAS) or
by its name only (municipal files), then the station table has the rest. All times are Japanese.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from adapters.codecs import kawabou
from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.jst import plausible
from adapters.codecs.number import MUNICIPAL, Range
from adapters.codecs.observation import WHERE_AND_WHEN, station_of, time_of
from adapters.codecs.station import Station, by_code, by_name
from adapters.codecs.table import Row, read_rows, rows
from adapters.contract import Decode, DecodeError, Message
from models import Model, WeatherObserved, urn

# mm; Japan's records are 50 in ten minutes and 187 in an hour
AMOUNTS: dict[str, tuple[tuple[str, ...], Quantity]] = {
    "precipitation": (
        (
            *("10分雨量", "10分間雨量", "前10分雨量", "前10分間雨量", "10分降水量", "10分間降水量", "前10分間降水量"),
            *(
                "雨量(10分)",
                "雨量(10分間)",
                "降水量(10分)",
                "降水量(10分間)",
                "precipitation10m",
                "rain_10min",
                "rn10m",
            ),
        ),
        Quantity(Range(0, 100)),
    ),
    "precipitation_1h": (
        (
            *("60分雨量", "60分間雨量", "前60分雨量", "前60分間雨量", "1時間雨量", "前1時間雨量", "1時間降水量"),
            *(
                "前1時間降水量",
                "60分降水量",
                "60分間降水量",
                "雨量(60分)",
                "雨量(1時間)",
                "降水量(60分)",
                "降水量(1時間)",
            ),
            *("precipitation1h", "rain_60min", "rnHr"),
        ),
        Quantity(Range(0, 300)),
    ),
    "precipitation_clock_hour": (
        ("時間雨量", "正時雨量", "毎時雨量", "時間降水量", "毎正時雨量", "rain_hour"),
        Quantity(Range(0, 300)),
    ),
    "precipitation_3h": (("3時間雨量", "3時間降水量", "雨量(3時間)", "precipitation3h"), Quantity(Range(0, 600))),
    "precipitation_24h": (("24時間雨量", "24時間降水量", "雨量(24時間)", "precipitation24h"), Quantity(Range(0, 2000))),
    "precipitation_today": (("日雨量", "本日雨量", "当日雨量", "日降水量"), Quantity(Range(0, 2000))),
    "precipitation_cumulative": (
        (
            *(
                "累加雨量",
                "累計雨量",
                "連続雨量",
                "積算雨量",
                "総雨量",
                "降り始めからの雨量",
                "降り始め雨量",
                "雨量(累加)",
            ),
            *("雨量(累計)", "累計降水量", "rain_cumulative", "rnInc"),
        ),
        Quantity(Range(0, 5000)),
    ),
}
QUANTITIES = {field: quantity for field, (_, quantity) in AMOUNTS.items()}
COLUMNS = WHERE_AND_WHEN | {field: columns for field, (columns, _) in AMOUNTS.items()}
BARE = ("雨量", "降水量", "rain", "rainfall", "precipitation")  # which amount it is, only the city can say

INTERVALS = {"precipitation", "precipitation_1h", "precipitation_clock_hour"}
DERIVED = {
    timedelta(minutes=10): "precipitation_derived",
    timedelta(hours=1): "precipitation_1h_derived",
}
TELEMETER = {name: field for field, (names, _) in AMOUNTS.items() for name in names}


def decoder(source: str, stations: Sequence[Station], prefectures: frozenset[str], bare: str = "") -> Decode:
    """The decoder for one network of gauges; `bare` is the amount a column called just 雨量 holds."""
    codes, names = by_code(stations), by_name(stations)
    columns = COLUMNS | ({bare: (*COLUMNS[bare], *BARE)} if bare else {})

    def table(message: Message) -> Iterator[Model | DecodeError]:
        last: dict[str, tuple[datetime, float]] = {}

        def read(row: Row) -> Iterator[Model | DecodeError]:
            if prefectures and row.cells.get("prefecture", "").strip() not in prefectures:
                return
            station = station_of(row.cells, codes, names)
            at = plausible("観測日時", time_of(row.cells, message), message.received_at)
            cells = Cells()
            amounts = cells.quantities(row.cells, QUANTITIES, MUNICIPAL)
            if amounts:  # a gauge that reports itself missing says nothing to store
                yield _observed(source, station, at, amounts | _derived(last, station.code, at, amounts))
            yield from cells.errors

        return read_rows(rows(message.body, columns, (("name", "code"), tuple(AMOUNTS))), read)

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        if kawabou.is_telemeter(message.body):
            return kawabou.read_telemeter(message, codes, TELEMETER, QUANTITIES, partial(_observed, source))
        return table(message)

    return decode


def _derived(
    last: dict[str, tuple[datetime, float]], code: str, at: datetime, amounts: Mapping[str, float]
) -> dict[str, float]:
    """What fell since the gauge's last row, when it tells sums only and that row is an interval away.

    A sum that fell back has begun anew: then all of it fell since.
    """
    total = amounts.get("precipitation_cumulative")
    if total is None:
        return {}
    before, last[code] = last.get(code), (at, total)
    if before is None or INTERVALS & amounts.keys() or at - before[0] not in DERIVED:
        return {}
    return {DERIVED[at - before[0]]: round(total - before[1] if total >= before[1] else total, 2)}


def _observed(source: str, station: Station, at: datetime, amounts: Mapping[str, Any]) -> WeatherObserved:
    return WeatherObserved(
        id=urn("WeatherObserved", source, station.code),
        observed_at=at,
        name=station.name or None,
        location=station.location,
        station_code=station.code,
        **amounts,
    )
