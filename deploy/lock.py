"""One at a time: a file that a process holds."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from deploy.progress import Step


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[None]:
    """Holds the file, made when missing, until the block ends; says what it is `waiting` for when another has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Step(waiting) if waiting else nullcontext():
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
