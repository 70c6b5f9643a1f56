"""Files of our own, readable by their owner only: what one holds is there whole or not at all."""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import orjson

log = logging.getLogger(__name__)


def put(path: Path, content: bytes) -> None:
    """Replaces the file at `path`, on disk before it has the name. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def remembered(path: Path) -> Any:
    """What the JSON at `path` says; None without a file, and for one that a disk has broken, which is logged."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except orjson.JSONDecodeError as error:
        log.error("%s is broken (%s) and is begun anew", path, error)
        return None


def database(path: Path | None, schema: str, timeout: float) -> sqlite3.Connection:
    """An SQLite database for any thread, in autocommit mode, in memory without a path. Raises OSError."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = None
    try:
        connection = sqlite3.connect(path or ":memory:", timeout, isolation_level=None, check_same_thread=False)
        connection.executescript(schema)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise OSError(f"{path}: {error}") from error
    if path is not None:
        path.chmod(0o600)
    return connection
