"""`make bench`: measurements over HTTP against an embedded server in data/bench.

`python -m tests.bench [NAME...]` runs some of them; BENCH_SECONDS is how long each question is asked (5). What sources
bear is measured by `python -m tests.bench.ears`, which takes long and needs Mosquitto.
"""

import asyncio
import importlib
import os
import sys

MEASUREMENTS = ("provision", "consumption", "temporal", "notifications", "decoding")


def main(names: list[str]) -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", "5"))
    for name in names or MEASUREMENTS:
        print(f"-- {name}", flush=True)
        asyncio.run(importlib.import_module(f"tests.bench.{name}").measure(seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
