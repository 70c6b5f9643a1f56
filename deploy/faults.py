"""What an operator has to know when a command cannot do its work: one sentence per mistake, no traceback."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from deploy.errors import GroundError

_PREFIXES = {"Settings": "BROKER_", "AdapterSettings": "ADAPTERS_"}  # of the variables, by the class that reads them


def wrong_settings(error: ValidationError) -> list[str] | None:
    """Returns a sentence per wrong variable (name, value, rule), or None when `error` is not about settings."""
    prefix = _PREFIXES.get(error.title)
    if prefix is None:
        return None
    return [_wrong(prefix, item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()]


def _wrong(prefix: str, where: tuple[int | str, ...], rule: str) -> str:
    if not where:  # a rule about several of them, which names them
        return rule
    name = prefix + str(where[0]).upper()
    # the address of the database holds a password
    return f"{name}{'' if name.endswith('_URL') else '=' + os.environ.get(name, '')}: {rule}"


def usable_database() -> str:
    """Returns the DSN of the broker's database, which answers and has this version's tables. Raises GroundError."""
    from broker.settings import Settings  # here, for commands that need no broker must not load it
    from broker.store.migrate import missing

    dsn = Settings().database_url
    with database_failures():
        lacking = asyncio.run(missing(dsn))
    if lacking:
        raise GroundError(f"the database lacks {len(lacking)} migrations of this version: run yukitsuri migrate")
    return dsn


@contextmanager
def database_failures() -> Iterator[None]:
    """Turns the failures of a database, and of its address, into GroundError."""
    from broker.store.db import FAILURES

    try:
        yield
    except (*FAILURES, ValueError) as error:
        unset = "" if "BROKER_DATABASE_URL" in os.environ else " (it is not set; for that of make run: . data/env)"
        reason = str(error) or type(error).__name__
        raise GroundError(f"the database of BROKER_DATABASE_URL{unset} cannot be used: {reason}") from error
