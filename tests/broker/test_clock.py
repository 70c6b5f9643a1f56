"""Notifications while the clock of the machine is set: periods are measured by a clock that nobody sets."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import httpx
import pytest

from broker.subscriptions import dispatcher, interval, subscriber
from tests.broker.running import inside
from tests.broker.sink import Sink, Taken, until
from tests.broker.subscribing import account, create, set_to, subscribe

HOUR, DAYS = timedelta(hours=1), timedelta(days=9)


class Clock(datetime):
    """The wall clock, `wrong` by so much."""

    wrong = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + cls.wrong


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Clock]]:
    for module in (dispatcher, interval, subscriber):
        monkeypatch.setattr(module, "datetime", Clock)
    yield Clock
    Clock.wrong = timedelta()


@pytest.mark.parametrize("steps", [(-HOUR, HOUR), (HOUR, -HOUR), (DAYS, -DAYS)])
async def test_throttling_keeps_its_period(
    notifying: httpx.AsyncClient, sink: Sink, clock: type[Clock], steps: tuple[timedelta, ...]
) -> None:
    await subscribe(notifying, sink, throttling=1)
    await create(notifying, a=0)
    for number, step in enumerate(steps, 1):
        await sink.wait(number)
        clock.wrong = step
        await set_to(notifying, a=f"early {number}")
        await set_to(notifying, a=f"last {number}")
    taken = await sink.wait(1 + len(steps))
    assert [item.data[0]["a"]["value"] for item in taken] == [0, "last 1", "last 2"]
    # a period that heeded the wall clock would end at once, or not for hours
    assert all(late.at - early.at > 0.5 for early, late in pairwise(taken))


@pytest.mark.parametrize("step", [-HOUR, HOUR, DAYS])
async def test_periodic_notifications_go_on(
    notifying: httpx.AsyncClient, sink: Sink, clock: type[Clock], step: timedelta
) -> None:
    await create(notifying, a=0)
    await subscribe(notifying, sink, timeInterval=0.4)
    first = (await sink.wait(1))[0]
    clock.wrong = step
    taken = await sink.wait(4)
    assert taken[3].at - first.at > 0.8  # three periods, and not all at once


async def test_a_clock_that_leaps_ahead_buries_nothing(
    notifying: httpx.AsyncClient, sink: Sink, clock: type[Clock]
) -> None:
    async def refuse(sink: Sink, _: Taken) -> int:
        return 503 if len(sink.requests) <= 5 else 200

    sink.answer = refuse
    clock.wrong = DAYS
    await subscribe(notifying, sink)
    await create(notifying, a=0)
    await sink.wait(1)
    await account(notifying, delivered=1, dead=0)


async def test_what_is_old_and_fails_again_and_again_is_given_up(dsn: str, clock: type[Clock]) -> None:
    async def refuse(_: Sink, __: Taken) -> int:
        return 503

    often = {"notification_retry": 0.01, "notification_retry_longest": 0.02}
    async with Sink(refuse) as sink, inside(dsn, remote_allow="127.0.0.0/8", **often) as client:
        await subscribe(client, sink)
        await create(client, a=0)
        await until(lambda: len(sink.requests) > 20)
        await account(client, dead=0, pending=1)
        clock.wrong = DAYS
        await account(client, dead=1, pending=0)
