"""Bringing a database to this version."""

import asyncpg
import pytest

from broker.store import migrate


class Away:
    """A connection whose server went away, as it does when the disk is full."""

    async def execute(self, _: str) -> None:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


async def test_a_server_that_goes_away_is_not_told_to_lack_an_extension() -> None:
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await migrate._refused(Away(), "postgis")


async def test_what_is_missing_is_told_before_and_nothing_after(server: str, dsn: str) -> None:
    assert await migrate.missing(dsn) == []
    assert await migrate.missing(server) == [name for name, _ in migrate.available()]
