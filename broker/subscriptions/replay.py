"""Notifications made once more from the log, with the ids and numbers that they had."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.log.reader import Reader
from broker.store import log, subscriptions
from broker.store.db import Database
from broker.subscriptions.linked import learn, parts
from broker.subscriptions.subscriber import notification_id
from ngsi import times
from ngsi.errors import BadRequestData, ResourceNotFound
from ngsi.event import Event
from ngsi.matching import Matcher, matcher
from ngsi.notification import Form
from ngsi.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Replayed:
    sequence: int
    body: bytes


async def replay(
    database: Database, no: int, tenant: int, subscription: Subscription, form: Form, after: int, limit: int
) -> list[Replayed]:
    """At most `limit` notifications after number `after`.

    Raises ResourceNotFound when the log no longer has them, BadRequestData for a periodic subscription.
    """
    if subscription.time_interval is not None:
        raise BadRequestData("a periodic notification tells of the moment it is made in; it cannot be made again")
    found: list[Replayed] = []
    async for sequence, events in _numbered(database, no, tenant, subscription, after):
        if sequence > after:
            name = notification_id(no, events[-1].seq)
            now = times.text(datetime.now(UTC))
            made = await parts(database.lookups, tenant, subscription.notification, form, events)
            found.append(Replayed(sequence, form.body(name, now, made)))
        if len(found) == limit:
            break
    return found


async def _numbered(
    database: Database, no: int, tenant: int, subscription: Subscription, after: int
) -> AsyncIterator[tuple[int, list[Event]]]:
    start = await subscriptions.mark(database, no, after)
    if start is None or start[1] < await log.oldest(database) - 1:
        first = await subscriptions.first_mark(database, no)
        told = f"; the first that can be is {first[0] + 1}" if first else ""
        raise ResourceNotFound(f"after: notifications after number {after} cannot be replayed any more{told}")
    sequence, position = start
    matches = matcher(subscription)
    reader = Reader(database, position, tenant=tenant)
    if subscription.throttling is not None:  # each notification has a mark: what lies between two is one of them
        for number, until in await subscriptions.marks(database, no, sequence, 1000):
            yield number, await _between(database, tenant, reader, until, matches)
        return
    end = await log.head(database)
    while reader.position < end:
        for event in await reader.window(end):
            await learn(database.lookups, tenant, matches, event.entity, event.earlier)
            if matches(event):
                sequence += 1
                yield sequence, [event]


async def _between(database: Database, tenant: int, reader: Reader, until: int, matches: Matcher) -> list[Event]:
    """The last state of each entity that changed up to `until`."""
    held: dict[str, Event] = {}
    while reader.position < until:
        for event in await reader.window(until):
            await learn(database.lookups, tenant, matches, event.entity, event.earlier)
            if matches(event):
                held.pop(event.id, None)
                held[event.id] = event
    return list(held.values())
