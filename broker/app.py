"""The application: the table of operations behind the door, FastAPI as the frame around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.routing import Route, WebSocketRoute

from broker import openapi, problems
from broker.api import info, stream
from broker.api.http import Broker
from broker.api.operations import OPERATIONS
from broker.api.operations.common import V1
from broker.api.renderings import Renderings
from broker.contexts import Contexts
from broker.door import Door
from broker.expiry import Expiry
from broker.log.live import Live
from broker.provision import Provision
from broker.settings import Settings, version
from broker.store.db import Database
from broker.store.signals import Signals
from broker.subscriptions.dispatcher import Dispatcher
from broker.upkeep import keep_up


def create_app(settings: Settings) -> Door:
    """The application for `settings`; it connects to the database when it starts."""
    app = FastAPI(
        title="Yukitsuri", version=version(), exception_handlers=problems.HANDLERS,
        lifespan=partial(_running, settings),
        docs_url=None, redoc_url=None,  # theirs load scripts from another server
    )  # fmt: skip
    app.router.routes.append(Route("/", info.to_page))
    app.router.routes.append(Route("/docs", info.page))
    app.router.routes.append(WebSocketRoute(f"{V1}/stream", stream.websocket))
    app.openapi = lambda: openapi.describe(OPERATIONS)  # type: ignore[method-assign]  # FastAPI's documented way
    return Door(app, OPERATIONS, settings)


@asynccontextmanager
async def _running(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    """What lives as long as the application serves."""
    database = await Database.connect(
        settings.database_url,
        connections=settings.database_connections,
        writers=settings.database_writers,
        statement_timeout=settings.statement_timeout,
    )
    provision = Provision(database, settings.database_writers, delete_history=settings.delete_history_with_entity)
    contexts = Contexts(settings, database)
    live = Live(database, settings.database_url)
    expiry = Expiry(database, provision, settings.expiry_pause)
    renderings = Renderings(settings.renderings_size)
    identity = await database.identity()
    app.state.broker = Broker(settings, database, contexts, provision, live, expiry, renderings, identity)
    alias = app.state.broker.alias
    upkeep = asyncio.create_task(keep_up(database, settings))
    dispatcher = Dispatcher(settings, database, contexts, alias)
    dispatcher.start()
    signals = Signals(settings.database_url, partial(_forget, database, contexts))
    await signals.start()
    try:
        yield
    finally:
        await live.close()
        await dispatcher.close()
        upkeep.cancel()
        await expiry.close()
        await signals.close()
        await contexts.close()
        await provision.close()
        await database.close()


def _forget(database: Database, contexts: Contexts, tenant: str | None) -> None:
    """Let go of what this process remembers of a tenant, or of all of them."""
    if tenant is None:
        database.tenants.clear()
    else:
        database.tenants.pop(tenant, None)
    contexts.forget(tenant)
