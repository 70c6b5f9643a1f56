"""The clean-up of what has expired: changes like any other, so that history and subscribers know."""

import asyncio
import logging

from broker.provision import Provision
from broker.store import expiry
from broker.store.changes import Operation
from broker.store.db import Database
from ngsi.expiry import keep

_log = logging.getLogger("broker.expiry")


async def clean_up(database: Database, provision: Provision, pause: float) -> None:
    """Runs until it is cancelled; `pause` in seconds between two looks. A failure is told and tried again."""
    while True:
        try:
            while rows := await expiry.due(database):
                await provision.apply([Operation(row["tenant"], row["id"], keep) for row in rows])
                await expiry.done(database, rows)
        except Exception as error:
            _log.warning("expired entities could not be cleaned up: %s; again in %s s", error, pause)
        await asyncio.sleep(pause)
