"""What an operator has to know when a command cannot do its work: one sentence per mistake, no traceback."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from adapters.settings import mistakes
from deploy.errors import GroundError
from deploy.progress import say

_FIRST_DELAY, _LAST_DELAY = 1.0, 10.0  # seconds between two attempts to reach a database
_PREFIXES = {"Settings": "BROKER_", "AdapterSettings": "ADAPTERS_"}  # of the variables, by the class that reads them


def wrong_settings(error: ValidationError) -> list[str] | None:
    """Returns a sentence per wrong variable (name, value, rule), or None when `error` is not about settings."""
    prefix = _PREFIXES.get(error.title)
    if prefix is None:
        return None
    return mistakes(error, prefix)


def usable_database(patient: bool = False) -> str:
    """Returns the DSN of the broker's database, which answers and has this version's tables. Raises GroundError.

    Who is `patient` waits for a server that cannot be reached, as long as it takes, and says so at every attempt.
    """
    from broker.settings import Settings  # here, for commands that need no broker must not load it

    dsn = Settings().database_url
    with database_failures():
        lacking = asyncio.run(_lacking(dsn, patient))
    if lacking:
        raise GroundError(f"the database lacks {len(lacking)} migrations of this version: run yukitsuri migrate")
    return dsn


def tell_of_few_connections() -> None:
    """Says so when the broker would take more connections than its database allows. Raises GroundError."""
    from broker.settings import Settings
    from broker.store import connections

    settings = Settings()
    most = connections.most(settings.database_connections, settings.database_writers)
    with database_failures():
        allowed = asyncio.run(connections.allowed(settings.database_url))
    if allowed < most:
        say(
            f"{_database()} allows {allowed} connections and the broker takes up to {most}: requests will be refused "
            "when they run out; allow more, or lower BROKER_DATABASE_CONNECTIONS and BROKER_DATABASE_WRITERS"
        )


async def _lacking(dsn: str, patient: bool) -> list[str]:
    from broker.store.db import CONNECTION_LOST
    from broker.store.migrate import missing

    delay = _FIRST_DELAY
    while True:
        try:
            return await missing(dsn)
        except CONNECTION_LOST as error:
            if not patient or isinstance(error, ValueError):  # a DSN that no waiting mends
                raise
            say(f"{_database()} cannot be reached: {_reason(error)}; trying again in {delay:.0f} s")
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LAST_DELAY)


@contextmanager
def database_failures() -> Iterator[None]:
    """Turns the failures of a database, and of its address, into GroundError."""
    from broker.store.db import FAILURES

    try:
        yield
    except (*FAILURES, ValueError) as error:
        raise GroundError(f"{_database()} cannot be used: {_reason(error)}") from error


def _database() -> str:
    unset = "" if "BROKER_DATABASE_URL" in os.environ else " (it is not set; for that of make run: . data/env)"
    return f"the database of BROKER_DATABASE_URL{unset}"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
