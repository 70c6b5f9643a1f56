"""yukitsuri tenants: list them, and delete one with everything in it."""

import argparse
import asyncio
import sys
from typing import Any

from deploy.faults import database_failures, usable_database

# the broker itself is imported inside: commands that do not need it must not load it


def register(commands: Any) -> None:
    """Adds the commands to the parser."""
    tenants = commands.add_parser("tenants", help="list or delete tenants").add_subparsers(
        required=True, metavar="what"
    )
    tenants.add_parser("list", help="name, entities, since when").set_defaults(handler=_list)
    delete = tenants.add_parser("delete", help="delete a tenant and everything in it")
    delete.add_argument("name", help="as in the header NGSILD-Tenant")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(handler=_delete)


def _list(_: argparse.Namespace) -> int:
    from broker.store import tenancy

    dsn = usable_database()
    with database_failures():
        found = asyncio.run(tenancy.listed(dsn))
    for tenant in found:
        print(f"{tenant.name or '(default)'}\t{tenant.entities} entities\tsince {tenant.created_at:%Y-%m-%dT%H:%M:%SZ}")
    return 0


def _delete(chosen: argparse.Namespace) -> int:
    from broker.store import tenancy

    if not chosen.name:
        print("yukitsuri tenants: the default tenant cannot be deleted", file=sys.stderr)
        return 2
    dsn = usable_database()
    if not chosen.yes and not _confirmed(chosen.name):
        print("nothing was deleted")
        return 1
    with database_failures():
        there = asyncio.run(tenancy.forget(dsn, chosen.name))
    if not there:
        print(f"yukitsuri tenants: there is no tenant {chosen.name!r}", file=sys.stderr)
        return 1
    print(f"deleted {chosen.name}")
    return 0


def _confirmed(name: str) -> bool:
    print("All its entities, their history, subscriptions, @contexts and quarantined messages will be gone.")
    try:
        return input(f"Type the tenant's name ({name}) to delete it: ").strip() == name
    except EOFError:
        return False
