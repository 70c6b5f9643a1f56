"""Confirmed values keep their place in a real broker, whatever is read again afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from adapters.contract import Message
from adapters.delivery import Broker, Source, deliver
from adapters.privacy.guard import Privacy
from adapters.quarantine import Quarantine
from adapters.sink import Sink
from tests.adapters.cases import adapter_of
from tests.bench.stack import Stack
from tests.ground import own

HOURS = ",".join(f"{hour:02}h" for hour in range(1, 25))
HEADER = f"測定年度,測定局コード,市町村コード,測定項目コード,測定単位コード,測定月,測定日,{HOURS}"
STATION = "urn:ngsi-ld:AirQualityObserved:soramame:17201090"


@pytest.fixture(scope="module")
def city() -> Iterator[Stack]:
    with own(Path("data/test-precedence")) as folder:
        stack = Stack(folder)
        yield stack
        stack.close()


class Reader:
    """One source of air quality in front of the broker."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        adapter = adapter_of("air_quality")
        decode = adapter.decoder(adapter.settings(), Privacy(str))
        self._source = Source("air", adapter, lambda: None, decode)  # type: ignore[arg-type, return-value]
        self._broker = Broker(Sink(client, url), Quarantine(client, url))
        self._client, self._url = client, url

    async def read(self, body: str, topic: str) -> None:
        await deliver(self._source, self._broker, [Message(body.encode(), datetime.now(UTC), topic)])

    async def history(self, attribute: str) -> dict[str, tuple[float, str]]:
        response = await self._client.get(
            f"{self._url}/ngsi-ld/v1/temporal/entities/{STATION}",
            params={"attrs": attribute, "timerel": "after", "timeAt": "2000-01-01T00:00:00Z"},
            headers={"Link": f'<{self._url}/contexts/kanazawa.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'},
        )
        told = response.raise_for_status().json()[attribute]
        instances = told if isinstance(told, list) else [told]
        return {each["observedAt"]: (each["value"], each["dataStatus"]["value"]) for each in instances}


async def test_a_provisional_file_read_again_leaves_what_is_confirmed(city: Stack) -> None:
    provisional = "測定局コード,都道府県コード,SO2,PM2.5\n17201090,17,0.009,12\n"
    cells = ",".join("1" if hour == 12 else "9999" for hour in range(1, 25))
    async with httpx.AsyncClient() as client:
        air = Reader(client, city.broker.url)
        await air.read(provisional, "2024010112.csv")
        await air.read(f"{HEADER}\n2023,17201090,201,SO2 ,PPB   ,1,1,{cells}\n", "nies.csv")
        for body, topic in ((provisional, "2024010112.csv"), (provisional, "2024010113.csv")):
            await air.read(body, topic)
        assert await air.history("so2") == {
            "2024-01-01T03:00:00Z": (0.001, "confirmed"),
            "2024-01-01T04:00:00Z": (0.009, "provisional"),
        }
        assert (await air.history("pm25")).keys() == {"2024-01-01T03:00:00Z", "2024-01-01T04:00:00Z"}


async def test_a_fresh_provisional_value_is_corrected_without_a_question(
    city: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(*_: object) -> None:
        raise AssertionError("the broker was asked about a fresh value")

    monkeypatch.setattr(Sink, "history", asked)
    hour = (datetime.now(UTC) + timedelta(hours=7)).strftime("%Y%m%d%H")
    async with httpx.AsyncClient() as client:
        air = Reader(client, city.broker.url)
        for value in ("0.01", "0.02"):
            await air.read(f"測定局コード,都道府県コード,NO2\n17201090,17,{value}\n", f"{hour}.csv")
        monkeypatch.undo()
        assert [value for value, _ in (await air.history("no2")).values()] == [0.02]
