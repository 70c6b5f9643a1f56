"""Runs the broker: settings from the environment, uvicorn, one process."""

import gc
import sys

import uvicorn
from pydantic import ValidationError

from broker.app import create_app
from broker.settings import Settings


def serve() -> None:
    """Serve until a signal ends it; exits with a plain sentence when a setting is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        for item in error.errors():
            name = "BROKER_" + "_".join(str(part).upper() for part in item["loc"]) if item["loc"] else "settings"
            print(f"yukitsuri serve: {name}: {item['msg']}", file=sys.stderr)
        sys.exit(2)
    app = create_app(settings)
    _spare_the_collector()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _spare_the_collector() -> None:
    """Documents are trees, freed by counting; looking for cycles among them costs a sixth of a write."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
