"""Pseudonyms for ids that may lead to a person: keyed, and different every day.

HMAC-SHA256 under a random key that lives for one day of Japanese time. The key is in one file, readable by its owner
only, so that a restart keeps the day's pseudonyms; at the first use on another day it is overwritten and thrown away,
and yesterday's pseudonyms can be made by nobody any more. A bare hash would not do: there are only 2^48 MAC addresses.
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from adapters.codecs.jst import JST

KEY_BYTES = 32
DATE_BYTES = 10  # 2026-11-21


def today() -> date:
    return datetime.now(JST).date()


class DayKey:
    """The key of the day, kept in `path` as the date followed by the key."""

    def __init__(self, path: Path, clock: Callable[[], date] = today) -> None:
        self._path, self._clock = path, clock
        self._day: date | None = None
        self._key = b""

    def pseudonym(self, scope: str, identifier: str) -> str:
        """`p-` and 16 hex digits: the same for the same identifier and scope on one day, and only then.

        The scope (the source's name) keeps two sources from being joined.
        """
        digest = hmac.digest(self._current(), f"{scope}\0{identifier}".encode(), "sha256")
        return "p-" + digest[:8].hex()

    def _current(self) -> bytes:
        day = self._clock()
        if day != self._day:
            self._day, self._key = day, _key_of(self._path, day)
        return self._key


def _key_of(path: Path, day: date) -> bytes:
    """The day's key from the file, or a new one in its place. Two processes get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.fchmod(file.fileno(), 0o600)
        stored = file.read()
        if stored[:DATE_BYTES] == day.isoformat().encode() and len(stored) == DATE_BYTES + KEY_BYTES:
            return stored[DATE_BYTES:]
        key = secrets.token_bytes(KEY_BYTES)
        file.seek(0)
        file.write(day.isoformat().encode() + key)  # in place, so that the old key's bytes are overwritten
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
        return key
