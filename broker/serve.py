"""Runs the broker: settings from the environment, uvicorn, one process."""

import uvicorn

from broker import collector
from broker.app import create_app
from broker.settings import Settings


def serve() -> None:
    """Serve until a signal ends it. Raises pydantic's ValidationError when a setting is wrong."""
    settings = Settings()
    app = create_app(settings)
    collector.spare()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
