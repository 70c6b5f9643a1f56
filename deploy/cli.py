"""The console script yukitsuri: one parser, each command in the package that does it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.errors import GroundError
from deploy.faults import database_failures, tell_of_few_connections, usable_database, wrong_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.handler(chosen))
    except KeyboardInterrupt:
        return 130
    except GroundError as error:
        return _told([str(error)], 1)
    except ValidationError as error:
        if (mistakes := wrong_settings(error)) is None:
            raise
        return _told(mistakes, 2)


def _told(mistakes: list[str], code: int) -> int:
    for mistake in mistakes:
        print(f"yukitsuri: {mistake}", file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    from adapters import cli as adapters
    from deploy import tenants

    top = argparse.ArgumentParser(prog="yukitsuri", description="NGSI-LD context broker for a city")
    top.add_argument("--version", action="version", version=f"yukitsuri {metadata.version('yukitsuri')}")
    commands = top.add_subparsers(required=True, metavar="command")
    commands.add_parser("serve", help="run the broker (settings: BROKER_*)").set_defaults(handler=_serve)
    commands.add_parser("migrate", help="bring the database to this version").set_defaults(handler=_migrate)
    _import_command(commands)
    tenants.register(commands)
    adapters.register(commands)
    return top


def _import_command(commands: Any) -> None:
    reading = commands.add_parser("import", help="put observations of files into history (CSV, JSON Lines, Parquet)")
    reading.add_argument("files", nargs="+", type=Path, metavar="FILE")
    reading.add_argument("--tenant", default="", help="tenant; it is made when it does not exist")
    reading.add_argument("--context", help="URL of the @context that expands names; BROKER_DEFAULT_CONTEXT without it")
    reading.set_defaults(handler=_import)


# imported inside: the adapters must not load the broker, nor the other way round


def _serve(_: argparse.Namespace) -> int:
    from broker.serve import serve

    usable_database(patient=True)
    tell_of_few_connections()
    serve()
    return 0


def _import(chosen: argparse.Namespace) -> int:
    from broker import collector
    from broker.bulk.command import import_files

    usable_database()
    collector.spare(after=500_000)
    return asyncio.run(import_files(chosen.files, chosen.tenant, chosen.context))


def _migrate(_: argparse.Namespace) -> int:
    from broker.settings import Settings
    from broker.store.migrate import MissingExtension, run

    dsn = Settings().database_url
    try:
        with database_failures():
            applied = asyncio.run(run(dsn))
    except MissingExtension as error:
        raise GroundError(str(error)) from error
    for name in applied:
        print(f"applied {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
