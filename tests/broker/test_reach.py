"""The last instances of series, looked for where the last answer found them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from broker.store.reach import Reach
from tests.broker.evolving import DATASET, ID, PATH, evolution

START = datetime(2026, 6, 1, tzinfo=UTC)


def reading(minute: int, **more: Any) -> dict[str, Any]:
    at = (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "Property", "value": minute, "observedAt": at, **more}


async def shown(client: httpx.AsyncClient, **params: Any) -> list[tuple[str, int]]:
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return [(item["instanceId"], item["value"]) for item in answer.json().get("t", [])]


@pytest.mark.parametrize("datasets", [(None,), (None, DATASET)])
@pytest.mark.parametrize("seed", range(3))
async def test_the_last_are_the_last_whatever_comes_and_goes(
    client: httpx.AsyncClient, seed: int, datasets: tuple[str | None, ...]
) -> None:
    chance = random.Random(seed)
    first = [reading(chance.randrange(900)) for _ in range(8)]
    assert (await client.post("/temporal/entities", json=evolution(t=first))).status_code == 201
    for _ in range(25):
        every = sorted(await shown(client), key=lambda item: -item[1])
        assert [value for _, value in await shown(client, lastN=3)] == [value for _, value in every[:3]]
        if every and chance.random() < 0.4:
            gone = chance.choice(every[:4])[0]
            assert (await client.delete(f"{PATH}/attrs/t/{gone}")).status_code == 204
        else:
            dataset = chance.choice(datasets)
            new = reading(chance.randrange(1000), **({"datasetId": dataset} if dataset else {}))
            assert (await client.post(f"{PATH}/attrs", json={"t": [new]})).status_code == 204
    assert (await client.delete(f"/entities/{ID}")).status_code == 204


class Rows:
    """Rows of every minute up to `newest`, as a statement would find them; `asked` is since when."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.asked: list[datetime | None] = []

    async def __call__(self, since: datetime | None) -> list[dict[str, datetime]]:
        self.asked.append(since)
        instants = [START + timedelta(minutes=minute) for minute in range(self.newest, -1, -1)]
        return [{"at": at} for at in instants if since is None or at >= since][:5]


async def test_a_question_asked_again_reads_since_the_last_answer() -> None:
    reach, rows = Reach(), Rows(100)
    for _ in range(2):
        found = await reach.newest([1], 5, 5, rows)
        assert [row["at"] for row in found] == [START + timedelta(minutes=minute) for minute in range(100, 95, -1)]
    rows.newest = 103
    assert (await reach.newest([1], 5, 5, rows))[0]["at"] == START + timedelta(minutes=103)
    assert rows.asked == [None, START + timedelta(minutes=96), START + timedelta(minutes=96)]


async def test_what_is_not_found_there_is_looked_for_everywhere() -> None:
    reach, rows = Reach(), Rows(100)
    await reach.newest([1], 5, 5, rows)
    rows.newest = 98
    found = await reach.newest([1], 5, 5, rows)
    assert found[0]["at"] == START + timedelta(minutes=98)
    assert len(found) == 5
    assert rows.asked == [None, START + timedelta(minutes=96), None]
    rows.newest = 3
    assert len(await reach.newest([1], 5, 5, rows)) == 4
    await reach.newest([1], 5, 5, rows)
    assert rows.asked[-1] is None  # too few to be worth a second look


async def test_only_the_latest_questions_are_kept() -> None:
    reach, rows = Reach(), Rows(10)
    for number in range(10_001):
        await reach.newest([number], 5, 5, rows)
    rows.asked.clear()
    await reach.newest([10_000], 5, 5, rows)
    await reach.newest([0], 5, 5, rows)
    assert rows.asked == [START + timedelta(minutes=6), None]
