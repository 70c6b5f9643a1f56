"""Periodic notifications: every `timeInterval` all entities that match, whether they changed or not (5.8.6)."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from broker.store import entities
from broker.store.db import Database
from broker.subscriptions.subscriber import Subscriber
from ngsi.entity import Entity
from ngsi.query.entities import Page

_log = logging.getLogger("broker.subscriptions")

_PAGE: Final = 500
_MOST: Final = 10_000  # entities in one notification


async def tick(database: Database, one: Subscriber, began: datetime) -> None:
    """Until the subscription is closed. The first notification comes one interval after `began` or the last one."""
    seconds = one.subscription.time_interval or 0.0
    passed = (datetime.now(UTC) - (one.told.last_notification or began)).total_seconds()
    loop = asyncio.get_running_loop()
    due = loop.time() + min(seconds, max(0.0, seconds - passed))
    while not one.closed:
        await asyncio.sleep(max(0.0, due - loop.time()))
        due = max(due + seconds, loop.time())  # what was missed is not made up for
        try:
            found = await _all(database, one)
        except Exception:
            _log.exception("subscription %s: what is to be told could not be found", one.subscription.id)
            continue
        if found and not one.closed and not one.subscription.expired(datetime.now(UTC)):
            one.tell(found)


async def _all(database: Database, one: Subscriber) -> list[Entity]:
    found: list[Entity] = []
    while len(found) < _MOST:
        query = replace(one.subscription.query, page=Page(_PAGE, len(found)))
        page = await entities.find(database, one.tenant, query)
        found += page
        if len(page) < _PAGE:
            break
    return found
