"""make clean-data: deletes what make run and the tests made in the data folder, and nothing else."""

import os
import shutil
import sys
from pathlib import Path

from deploy.errors import GroundError
from deploy.instance import instance
from deploy.plan import data_folder
from deploy.postgres import EmbeddedPostgres
from deploy.progress import say

_OURS = ("postgres", "mosquitto", "adapters", "test")  # DATA= may name a folder that holds other things too


def main() -> int:
    """Empties the data folder unless an instance runs on it; returns the exit code."""
    data = data_folder(os.environ)
    try:
        with instance(data):
            for folder in filter(Path.exists, (data / name for name in _OURS)):
                _delete(folder)
    except GroundError as error:
        say(str(error))
        return 1
    say(f"nothing of make run is left in {data}")
    return 0


def _delete(folder: Path) -> None:
    if server := EmbeddedPostgres(folder).running():
        raise GroundError(f"a PostgreSQL server (process {server.pid}) runs on {folder}; stop it first")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise GroundError(f"{folder} cannot be deleted: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
