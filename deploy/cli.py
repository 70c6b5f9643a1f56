"""The console script yukitsuri: one parser, each command in the package that does it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib import metadata


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.handler(chosen))
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    from adapters.cli import register

    top = argparse.ArgumentParser(prog="yukitsuri", description="NGSI-LD context broker for a city")
    top.add_argument("--version", action="version", version=f"yukitsuri {metadata.version('yukitsuri')}")
    commands = top.add_subparsers(required=True, metavar="command")
    commands.add_parser("serve", help="run the broker (settings: BROKER_*)").set_defaults(handler=_serve)
    commands.add_parser("migrate", help="bring the database to this version").set_defaults(handler=_migrate)
    register(commands)
    return top


# imported inside: the adapters must not load the broker, nor the other way round


def _serve(_: argparse.Namespace) -> int:
    from broker.serve import serve

    serve()
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from asyncpg import PostgresError

    from broker.settings import Settings
    from broker.store.migrate import MissingExtension, run

    try:
        applied = asyncio.run(run(Settings().database_url))
    except (MissingExtension, PostgresError, OSError) as error:
        print(f"yukitsuri migrate: {error or type(error).__name__}", file=sys.stderr)
        return 1
    for name in applied:
        print(f"applied {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
