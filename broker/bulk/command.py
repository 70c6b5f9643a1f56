"""The command `yukitsuri import`: files one after the other, with a bar, what was refused, and a sum at the end."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from broker.bulk.load import load
from broker.bulk.records import UnreadableFile
from broker.contexts import Contexts
from broker.settings import Settings
from broker.store.bulk import Progress
from broker.store.db import FAILURES, Database
from broker.store.tenants import tenant_no
from ngsi.errors import NgsiLdError
from ngsi.jsonld import Context

_WIDTH = 30
_SHOWN = 10


class _Bar:
    """One line on stderr, rewritten in a terminal, one line per chunk elsewhere."""

    def __init__(self, path: Path, begun: Progress) -> None:
        self._path = path
        self._size = max(1, path.stat().st_size)
        self._done = begun.lines
        self._since = time.monotonic()
        self._end = "\r" if sys.stderr.isatty() else "\n"

    def tell(self, progress: Progress, read: int) -> None:
        share = min(1.0, read / self._size)
        speed = (progress.lines - self._done) / max(0.001, time.monotonic() - self._since)
        bar = "#" * round(share * _WIDTH)
        line = f"{self._path.name} [{bar:{_WIDTH}}] {progress.lines:,} lines, {speed:,.0f}/s"
        print(line, end=self._end, file=sys.stderr, flush=True)


async def import_files(files: Sequence[Path], tenant: str, context: str | None) -> int:
    """Import `files`; returns the exit code: 0, 1 when something was refused or could not be read."""
    settings = Settings()
    try:
        database = await Database.connect(settings.database_url, connections=2, writers=2, statement_timeout=600)
    except FAILURES as error:
        print(f"yukitsuri import: the database is not reachable: {error or type(error).__name__}", file=sys.stderr)
        return 1
    try:
        names = await Contexts(settings, database).load(context)
        number = await tenant_no(database, tenant, create=True)
        assert number is not None
        return max([await _one(database, number, path, names) for path in files])
    except (NgsiLdError, *FAILURES) as error:
        print(f"yukitsuri import: {error or type(error).__name__}; what was told as done is done", file=sys.stderr)
        return 1
    finally:
        await database.close()


async def _one(database: Database, tenant: int, path: Path, context: Context) -> int:
    refused: list[tuple[int, str]] = []
    try:
        bar = _Bar(path, Progress())
        done = await load(
            database, tenant, path, context, bar.tell, lambda number, reason: refused.append((number, reason))
        )
    except (UnreadableFile, OSError) as error:
        reason = f"{path}: {error.strerror}" if isinstance(error, OSError) and error.strerror else error
        print(f"yukitsuri import: {reason}", file=sys.stderr)
        return 1
    for number, reason in refused[:_SHOWN]:
        print(f"{path}:{number}: {reason}", file=sys.stderr)
    if refused:
        record = path.with_name(path.name + ".refused")
        record.write_text("".join(f"{number}\t{reason}\n" for number, reason in refused), encoding="utf-8")
        print(f"{path}: {len(refused):,} lines refused, listed in {record}", file=sys.stderr)
    print(f"{path}: {done.stored:,} readings stored, {done.known:,} were there already, {done.refused:,} lines refused")
    return 1 if done.refused else 0
