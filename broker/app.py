"""The application: FastAPI as the frame, the hot operations as plain Starlette routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker import openapi as openapi_document
from broker import problems
from broker.api import attributes, batch, consumption, entities, quarantine, subscriptions, temporal
from broker.api.http import LD, Broker
from broker.contexts import Contexts
from broker.provision import Provision
from broker.settings import Settings, version
from broker.store.db import Database
from ngsi.errors import ResourceNotFound

_V1 = "/ngsi-ld/v1"

# path, method, operation; ids may hold slashes once decoded, so the longer paths stand first
ROUTES: list[tuple[str, str, Any]] = [
    (f"{_V1}/entities/{{id:path}}/attrs/{{attr:path}}", "PATCH", attributes.partial_update),
    (f"{_V1}/entities/{{id:path}}/attrs/{{attr:path}}", "PUT", attributes.replace),
    (f"{_V1}/entities/{{id:path}}/attrs/{{attr:path}}", "DELETE", attributes.delete),
    (f"{_V1}/entities/{{id:path}}/attrs", "POST", entities.append_attributes),
    (f"{_V1}/entities/{{id:path}}/attrs", "PATCH", entities.update_attributes),
    (f"{_V1}/entities", "POST", entities.create),
    (f"{_V1}/entities", "GET", consumption.query),
    (f"{_V1}/entities/{{id:path}}", "GET", consumption.retrieve),
    (f"{_V1}/entities/{{id:path}}", "PUT", entities.replace),
    (f"{_V1}/entities/{{id:path}}", "DELETE", entities.delete),
    (f"{_V1}/entityOperations/create", "POST", batch.create),
    (f"{_V1}/entityOperations/upsert", "POST", batch.upsert),
    (f"{_V1}/entityOperations/update", "POST", batch.update),
    (f"{_V1}/entityOperations/delete", "POST", batch.delete),
    (f"{_V1}/temporal/entities/{{id:path}}", "GET", temporal.retrieve),
    (f"{_V1}/subscriptions", "POST", subscriptions.create),
    (f"{_V1}/subscriptions", "GET", subscriptions.query),
    (f"{_V1}/subscriptions/{{id:path}}", "GET", subscriptions.retrieve),
    (f"{_V1}/subscriptions/{{id:path}}", "PATCH", subscriptions.update),
    (f"{_V1}/subscriptions/{{id:path}}", "DELETE", subscriptions.delete),
    ("/admin/quarantine", "POST", quarantine.add),
    ("/admin/quarantine", "GET", quarantine.listed),
    ("/admin/quarantine/{no:int}", "GET", quarantine.one),
    ("/admin/quarantine/{no:int}/replayed", "POST", quarantine.replayed),
]


def create_app(settings: Settings) -> FastAPI:
    """The application for `settings`; it connects to the database when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = await Database.connect(
            settings.database_url,
            connections=settings.database_connections,
            writers=settings.database_writers,
            statement_timeout=settings.statement_timeout,
        )
        provision = Provision(database, settings.database_writers)
        app.state.broker = Broker(settings, database, Contexts(settings), provision)
        yield
        await provision.close()
        await database.close()

    app = FastAPI(title="Yukitsuri", version=version(), lifespan=lifespan, exception_handlers=problems.HANDLERS)
    by_path: dict[str, dict[str, Any]] = {}
    for path, method, operation in ROUTES:
        by_path.setdefault(path, {})[method] = operation
    for path, operations in by_path.items():
        app.router.routes.append(Route(path, _dispatch(operations), methods=list(operations)))
    _cold_routes(app)
    _describe(app)
    return _Slashes(app)  # type: ignore[return-value]  # an ASGI wrapper with the app's interface


def _dispatch(operations: dict[str, Any]) -> Any:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        response: Response = await operations[method](request)
        return response

    return endpoint


def _describe(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        return openapi_document.describe(plain(), ROUTES)

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


def _cold_routes(app: FastAPI) -> None:
    @app.get("/health", tags=["operation"])
    async def health() -> dict[str, str]:
        """The process is alive."""
        return {"status": "up"}

    @app.get("/ready", tags=["operation"])
    async def ready(request: Request) -> Response:
        """The broker can serve: the database answers."""
        try:
            await request.app.state.broker.database.ping()
        except Exception as error:
            return problems.problem(503, "Not ready", f"the database does not answer ({type(error).__name__})")
        return Response('{"status":"ready"}', media_type="application/json")

    @app.get("/version", tags=["operation"])
    async def told_version() -> dict[str, str]:
        """What runs here."""
        return {"name": "yukitsuri", "version": version(), "ngsi-ld": "1.9.1"}

    @app.get("/contexts/{name}", tags=["contexts"])
    async def own_context(name: str, request: Request) -> Response:
        """A @context that the broker serves itself, such as the city's."""
        found = request.app.state.broker.contexts.own.get(name)
        if found is None:
            raise ResourceNotFound(f"there is no context {name!r} here")
        return Response(found, media_type=LD)


class _Slashes:
    """Takes paths with double and trailing slashes for what they mean (the standard's own URIs carry one)."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.state = app.state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith("//") or (
                path.startswith("/ngsi-ld") and (path.endswith("/") or "/ngsi-ld/v1//" in path)
            ):
                clean = "/" + path.strip("/").replace("ngsi-ld/v1//", "ngsi-ld/v1/")
                scope = {**scope, "path": clean}
        await self.app(scope, receive, send)
