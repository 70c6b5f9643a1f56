"""Whole lists of open data: what a newer file does not name any more is deleted from a real broker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.constants import Constants
from adapters.contract import Message, Outcome
from adapters.delivery import Broker, Source, deliver
from adapters.privacy.guard import Privacy
from adapters.quarantine import Quarantine
from adapters.sink import Sink
from tests.adapters.cases import adapter_of
from tests.bench.stack import Stack
from tests.ground import own

HEADER = "全国地方公共団体コード,ID,名称,緯度,経度,小児対応設備の有無\n"


@pytest.fixture(scope="module")
def city() -> Iterator[Stack]:
    with own(Path("data/test-whole")) as folder:
        stack = Stack(folder)
        yield stack
        stack.close()


class Office:
    """The city's list of AEDs, handed in again and again."""

    def __init__(self, client: httpx.AsyncClient, url: str, municipality: str, whole: bool = True) -> None:
        adapter = adapter_of("open_data")
        decode = adapter.decoder(adapter.settings(dataset="aed", whole=whole), Privacy(str))
        source = Source("aed", adapter, lambda: None, decode, constants=Constants())  # type: ignore[arg-type, return-value]
        self._source, self._broker = source, Broker(Sink(client, url), Quarantine(client, url))
        self._client, self._url, self._municipality = client, url, municipality

    async def hand_in(self, *codes: str, bad: str = "") -> Outcome:
        rows = "".join(f"{self._municipality},{code},AED {code},36.5{code[1:]},136.65,有\n" for code in codes) + bad
        settled: list[Outcome] = []

        async def settle(outcome: Outcome) -> None:
            settled.append(outcome)

        message = Message((HEADER + rows).encode(), datetime.now(UTC), "aed.csv", settle=settle)
        await deliver(self._source, self._broker, [message])
        return settled[0]

    async def listed(self) -> set[str]:
        asked = {"type": "PointOfInterest", "idPattern": f".*:{self._municipality}-aed:.*", "limit": "100"}
        link = {"Link": f'<{self._url}/contexts/kanazawa.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
        told = await self._client.get(f"{self._url}/ngsi-ld/v1/entities", params=asked, headers=link)
        return {each["id"].rpartition(":")[2] for each in told.raise_for_status().json()}


async def test_what_is_not_listed_any_more_is_deleted_and_comes_back_when_it_is(city: Stack) -> None:
    async with httpx.AsyncClient() as client:
        ours, theirs = (Office(client, city.broker.url, code) for code in ("172014", "172103"))
        await theirs.hand_in("A1", "A2")
        assert await ours.hand_in("A1", "A2", "A3") is Outcome.COMMITTED
        assert await ours.hand_in("A1", "A3") is Outcome.COMMITTED
        assert await ours.listed() == {"A1", "A3"}
        assert await theirs.listed() == {"A1", "A2"}, "another city's list"
        await ours.hand_in("A1", "A2", "A3")
        assert await ours.listed() == {"A1", "A2", "A3"}


@pytest.mark.parametrize(
    ("codes", "bad", "about"),
    [
        (("A1",), "", "most of them are missing"),
        ((), "", "nothing is told"),
        (("A1", "A2"), "172015,A3,,36.5,136.65,有\n", "a row that cannot be read may be the one that is missing"),
    ],
)
async def test_a_file_that_is_no_whole_list_deletes_nothing(
    city: Stack, codes: tuple[str, ...], bad: str, about: str
) -> None:
    async with httpx.AsyncClient() as client:
        office = Office(client, city.broker.url, "172015")
        await office.hand_in("A1", "A2", "A3")
        await office.hand_in(*codes, bad=bad)
        assert await office.listed() == {"A1", "A2", "A3"}, about


async def test_nothing_is_deleted_unless_the_list_is_declared_whole(city: Stack) -> None:
    async with httpx.AsyncClient() as client:
        office = Office(client, city.broker.url, "172016", whole=False)
        await office.hand_in("A1", "A2", "A3")
        await office.hand_in("A1", "A2")
        assert await office.listed() == {"A1", "A2", "A3"}
