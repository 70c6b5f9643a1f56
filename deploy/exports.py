"""The file `env` in the data folder: what a shell needs to run the other commands on the instance that runs.

. data/env
yukitsuri tenants list
pg_dump "$BROKER_DATABASE_URL"
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from deploy.plan import Plan
from deploy.servers import install

NAME = "env"


def write(plan: Plan, dsn: str, environ: Mapping[str, str]) -> None:
    """Writes the file anew; it holds the database's password, so only its owner reads it."""
    variables = {**plan.broker_environment(dsn, environ), **plan.adapters_environment()}
    servers = install() if plan.embeds else None
    programs = [Path(sys.executable).parent, *([servers.postgres, servers.mosquitto_pub.parent] if servers else [])]
    lines = [f"export {name}={quote(value)}" for name, value in variables.items()]
    lines.append(f'export PATH={quote(":".join(map(str, programs)))}:"$PATH"')
    part = plan.data / f"{NAME}.new"
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    part.rename(plan.data / NAME)
