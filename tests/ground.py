"""Folders under data/ for runs of the tests, one run at a time in each."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


@contextmanager
def own(folder: Path) -> Iterator[Path]:
    """`folder`, or, while another run has it, one beside it that is deleted afterwards.

    What a run before left in `folder` is there again. However a run ends, the folders it had are free.
    """
    path, held = next(filter(None, (_held(_beside(folder, number)) for number in count(1))))
    try:
        yield path
    finally:
        if path != folder:
            shutil.rmtree(path)
        os.close(held)


def _beside(folder: Path, number: int) -> Path:
    return folder if number == 1 else folder.with_name(f"{folder.name}-{number}")


def _held(path: Path) -> tuple[Path, int] | None:
    """The folder and what holds it, or None when another run has it or has just deleted it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(held), path.stat()):
            return path, held
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(held)
    return None
