"""`python -m adapters`: the same commands as the console script, without the broker's."""

import argparse
import sys

from pydantic import ValidationError

from adapters.cli import register
from adapters.settings import AdapterSettings, mistakes


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m adapters")
    register(parser.add_subparsers(required=True, metavar="command"))
    args = parser.parse_args(arguments)
    try:
        return int(args.handler(args))
    except KeyboardInterrupt:
        return 130
    except ValidationError as error:
        if error.title != AdapterSettings.__name__:
            raise
        for mistake in mistakes(error):
            print(f"yukitsuri: {mistake}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
