"""make clean-data: deletes what make run and the tests made in the data folder, and nothing else."""

import os
import shutil
import sys

from deploy.errors import GroundError
from deploy.instance import instance
from deploy.plan import data_folder
from deploy.progress import say

_OURS = ("postgres", "mosquitto", "adapters", "test")  # DATA= may name a folder that holds other things too


def main() -> int:
    """Empties the data folder unless an instance runs on it; returns the exit code."""
    data = data_folder(os.environ)
    try:
        with instance(data):
            for name in _OURS:
                shutil.rmtree(data / name, ignore_errors=True)
    except GroundError as error:
        say(str(error))
        return 1
    say(f"{data} is empty")
    return 0


if __name__ == "__main__":
    sys.exit(main())
