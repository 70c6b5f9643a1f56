"""Who does not want to be counted: identifiers that are dropped as their row is read, before anything is made of them.

The list holds digests only, under a key of its own that stays, unlike the day's: who finds the file learns of nobody.
"""

import hmac
import secrets
import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from adapters.disk import put

LOOK = 2.0  # seconds between two looks at the file


def canonical(identifier: str) -> str:
    """One spelling of an identifier: of a MAC address, whatever stands between its digits."""
    folded = unicodedata.normalize("NFKC", identifier).strip().casefold()
    digits = folded.translate({ord(each): None for each in ":-. "})
    return digits if len(digits) == 12 else folded


class OptOut:
    """The list in `folder`; it is read again when it has changed. None keeps an empty one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._list = folder / "opt-out.txt" if folder else None
        self._key_file = folder / "opt-out.key" if folder else None
        self._key, self._digests = b"", frozenset[str]()
        self._state: tuple[int, int] | None = None
        self._looked = -LOOK

    def has(self, identifier: str) -> bool:
        """Whether it is on the list. Raises OSError when the list's key is gone bad."""
        self._look()
        return bool(self._digests) and self._digest(identifier) in self._digests

    def add(self, identifiers: Iterable[str]) -> int:
        """Puts identifiers on the list; returns how many were not on it."""
        self._look(now=True)
        new = {self._digest(each) for each in identifiers} - self._digests
        self._write(self._digests | new)
        return len(new)

    def remove(self, identifiers: Iterable[str]) -> int:
        """Takes identifiers from the list; returns how many were on it."""
        self._look(now=True)
        gone = {self._digest(each) for each in identifiers} & self._digests
        self._write(self._digests - gone)
        return len(gone)

    def __len__(self) -> int:
        self._look(now=True)
        return len(self._digests)

    def _look(self, now: bool = False) -> None:
        if self._list is None or (time.monotonic() - self._looked < LOOK and not now):
            return
        self._looked = time.monotonic()
        try:
            status = self._list.stat()
        except FileNotFoundError:
            self._state, self._digests = None, frozenset()
            return
        if (state := (status.st_mtime_ns, status.st_size)) != self._state:
            self._state, self._digests = state, frozenset(self._list.read_text().split())

    def _digest(self, identifier: str) -> str:
        if not self._key:
            self._key = self._read_key()
        return hmac.digest(self._key, canonical(identifier).encode(), "sha256").hex()

    def _read_key(self) -> bytes:
        if self._key_file is None:
            return b"-"
        if not self._key_file.exists() and not self._digests:
            put(self._key_file, secrets.token_bytes(32).hex().encode())
        try:
            key = bytes.fromhex(self._key_file.read_text())
        except (FileNotFoundError, ValueError):
            key = b""
        if not key:  # a new one would let in everybody on the list
            raise OSError(f"{self._key_file}: holds no key, so nobody can tell who is on the list; restore it")
        return key

    def _write(self, digests: Iterable[str]) -> None:
        if self._list is not None:
            put(self._list, "".join(f"{each}\n" for each in sorted(digests)).encode())
            self._look(now=True)
