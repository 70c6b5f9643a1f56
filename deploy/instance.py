"""One instance at a time on a data folder."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import GroundError

_PATIENCE = 15.0  # seconds; the instance before this one may still be stopping


@contextmanager
def instance(data: Path) -> Iterator[None]:
    """Holds the data folder for this process alone. Raises GroundError when another instance runs on it."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("a+")
    except OSError as error:
        raise GroundError(f"{data} cannot be used: {error}; choose another folder: make run DATA=folder") from error
    with lock:
        deadline = time.monotonic() + _PATIENCE
        while not _locked(lock.fileno()):
            if time.monotonic() > deadline:
                raise GroundError(f"another make run uses {data}; give this one its own: make run DATA=folder")
            time.sleep(0.1)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
