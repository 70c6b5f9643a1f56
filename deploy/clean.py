"""make clean-data: deletes what make run and the tests made in the data folder, and nothing else."""

import os
import shutil
import sys
from pathlib import Path

from deploy import exports
from deploy.errors import GroundError
from deploy.instance import instance
from deploy.plan import data_folder
from deploy.postgres import EmbeddedPostgres
from deploy.progress import say

_OURS = (
    "postgres",
    "mosquitto",
    "adapters",
    "test",
    exports.NAME,
)  # DATA= may name a folder that holds other things too


def main() -> int:
    """Empties the data folder unless an instance runs on it; returns the exit code."""
    data = data_folder(os.environ)
    try:
        with instance(data):
            for path in filter(Path.exists, (data / name for name in _OURS)):
                _delete(path)
    except GroundError as error:
        say(str(error))
        return 1
    say(f"nothing of make run is left in {data}")
    return 0


def _delete(path: Path) -> None:
    if path.is_dir() and (server := EmbeddedPostgres(path).running()):
        raise GroundError(f"a PostgreSQL server (process {server.pid}) runs on {path}; stop it first")
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise GroundError(f"{path} cannot be deleted: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
