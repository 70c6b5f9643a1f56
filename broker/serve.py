"""Runs the broker: settings from the environment, uvicorn, one process."""

import gc

import uvicorn

from broker.app import create_app
from broker.settings import Settings


def serve() -> None:
    """Serve until a signal ends it. Raises pydantic's ValidationError when a setting is wrong."""
    settings = Settings()
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
