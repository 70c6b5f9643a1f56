"""`python -m tests.bench decoding`: how fast bytes become models, on one core, without network and broker.

Frames and rows differ from one to the next, so that no cache stands in for the work. What is counted is processor time:
a neighbour on the machine does not make the decoders slower.
"""

import statistics
import struct
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from adapters.bike_gps.exports import vehicles
from adapters.contract import Decode, Message
from adapters.privacy.guard import Privacy
from adapters.privacy.profile import Profile
from tests.adapters.cases import adapter_of, pseudonym

ROUNDS = 5
FRAMES, ROWS = 10_000, 30_000
START = datetime(2026, 6, 1, tzinfo=UTC)
RECEIVED_AT = datetime(2026, 11, 21, tzinfo=UTC)


class Load(NamedTuple):
    """What to decode and with what, how many units it holds, and the least a second must bring."""

    name: str
    decoder: Callable[[], Decode]
    messages: list[Message]
    units: int
    least: int


async def measure(seconds: float) -> None:
    """Prints the median of five rounds of each load, and of writing the models as NGSI-LD after that."""
    probes = _probes()
    loads = (
        *(_positions(), _air(), _push(), _rain(), _counts(), _air_stations()),
        probes._replace(decoder=lambda: partial(vehicles, "machinori", pseudonym)),
        # a day of 500 bikes at ten seconds is to be backfilled within five minutes
        probes._replace(name="CSV, GPS of bikes, trips cut and counted", least=14_400),
    )
    for load in loads:
        decoded, written = zip(*(_round(load) for _ in range(ROUNDS)), strict=True)
        plain, whole = statistics.median(decoded), statistics.median(written)
        verdict = "" if plain >= load.least else f"  BELOW {load.least:,}"
        print(f"{load.name}: {plain:,.0f}/s decoded, {whole:,.0f}/s as NGSI-LD{verdict}")


def _round(load: Load) -> tuple[float, float]:
    decode = load.decoder()
    plain = _seconds(lambda: (item for message in load.messages for item in decode(message)))
    decode = load.decoder()
    whole = _seconds(lambda: (_written(item) for message in load.messages for item in decode(message)))
    return load.units / plain, load.units / whole


def _of(source: str) -> Callable[[], Decode]:
    adapter = adapter_of(source)
    return lambda: adapter.decoder(adapter.settings(), Privacy(pseudonym, profile=Profile(profile="synthetic", k=1)))


def _written(item: object) -> object:
    model = getattr(item, "model", item)  # restricted ones are wrapped
    return model.to_ngsi() if hasattr(model, "to_ngsi") else model


def _seconds(work: Callable[[], Iterable[object]]) -> float:
    begun = time.process_time()
    bad = [item for item in work() if isinstance(item, Exception)]
    spent = time.process_time() - begun
    assert not bad, bad[:3]
    return spent


def _frames(name: str, terminal: str, frames: Iterable[bytes]) -> Load:
    messages = [Message(frame, RECEIVED_AT, f"eltres/{terminal}") for frame in frames]
    return Load(f"ELTRES, {name}", _of("eltres"), messages, len(messages), 20_000)


def _positions() -> Load:
    def frame(i: int) -> bytes:
        digits = f"8136{i % 60:02}{i % 10_000:04}0136{i % 60:02}{i % 10_000:04}"
        return bytes.fromhex(digits) + struct.pack(">I", int(START.timestamp()) + i) + b"\0\1"

    return _frames("positions (0x81)", "0001234ABE", map(frame, range(FRAMES)))


def _air() -> Load:
    frames = (struct.pack(">Bfff3x", 0x82, i % 40 + 0.5, i % 100, 400 + i % 600) for i in range(FRAMES))
    return _frames("temperature, humidity, CO2 (0x82)", "0001234ABC", frames)


def _push() -> Load:
    def one(i: int) -> str:
        payload = struct.pack(">Bfff3x", 0x82, i % 40 + 0.5, i % 100, 400 + i % 600).hex()
        at = (START + timedelta(seconds=i)).strftime("%Y-%m-%d %H:%M:%S")
        return f'{{"deviceId":"0001234ABC","sendDateTime":"{at}","payload":"{payload}"}}'

    body = f"[{','.join(map(one, range(FRAMES)))}]".encode()
    return Load("ELTRES, pushed as JSON", _of("eltres"), [Message(body, RECEIVED_AT, "eltres")], FRAMES, 20_000)


def _table(name: str, source: str, header: str, rows: Iterable[str], topic: str, encoding: str = "utf-8") -> Load:
    body = "\r\n".join([header, *rows]).encode(encoding)
    return Load(f"CSV, {name}", _of(source), [Message(body, RECEIVED_AT, topic)], ROWS, 50_000)


def _rain() -> Load:
    def row(i: int) -> str:
        at = START + timedelta(minutes=i)
        return f"{('駅西', '城南', '浅野川')[i % 3]},{at:%Y/%m/%d %H:%M},{i % 9 * 0.5},{i % 40},{i % 300 * 0.5}"

    header = "観測所名,観測日時,10分雨量(mm),60分雨量(mm),累加雨量(mm)"
    return _table("rain, cp932", "rain_gauge", header, map(row, range(ROWS)), "rain.csv", "cp932")


def _counts() -> Load:
    def row(i: int) -> str:
        at = START + timedelta(minutes=i)
        return f"{at.year},{at.month},{at.day},{at.hour},{at.minute},{at.second},{i % 500}"

    return _table(
        "counts of people",
        "people_count",
        "year,month,day,hour,minute,second,count",
        map(row, range(ROWS)),
        "area1.csv",
    )


def _probes() -> Load:
    def row(i: int) -> str:
        at = START + timedelta(seconds=i // 500 * 10)
        return f"KNZ{i % 500:04},{at:%Y-%m-%d %H:%M:%S},{36.55 + i // 500 * 0.0002:.5f},136.65,12,{i % 360},9"

    header = "bike_id,time,lat,lon,speed,heading,satellites"
    return _table("GPS of bikes, read", "bike_gps", header, map(row, range(ROWS)), "probe.csv")


def _air_stations() -> Load:
    header = "測定局コード,SO2,NO,NO2,NOX,CO,OX,NMHC,CH4,THC,SPM,PM2.5,SP,WD,WS,TEMP,HUM,測定局名称,都道府県コード"

    def row(i: int) -> str:
        ours = i % 50 == 0  # of a national file, one row in fifty
        code, prefecture = ("17201010", 17) if ours else (f"13{i % 1000:06}", 13)
        values = f"0.00{i % 9},0.0,0.004,0.004,0.2,0.041,0.06,1.98,2.04,0.012,{i % 40},,NNE,2.1,23.4,61"
        return f"{code},{values},局,{prefecture}"

    return _table(
        "national air file, one row in 50 ours", "air_quality", header, map(row, range(ROWS)), "2026061912.csv"
    )
