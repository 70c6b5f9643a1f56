"""`python -m adapters`: the same commands as the console script, without the broker's."""

import argparse
import sys

from adapters.cli import register


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m adapters")
    register(parser.add_subparsers(required=True, metavar="command"))
    args = parser.parse_args(arguments)
    code: int = args.handler(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
