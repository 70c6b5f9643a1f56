"""A broker's two doors, recorded: what the adapters posted, and what it should answer."""

import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = Callable[[list[dict[str, Any]]], Response]


def committed(entities: list[dict[str, Any]]) -> Response:
    return Response(status_code=204)


class Recorder:
    """Entities by id, every request, every quarantine record. `answer` may be set to anything a broker says."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = committed
        self.requests: list[list[dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.stored: list[dict[str, Any]] = []
        self.quarantine: list[dict[str, Any]] = []
        self.quarantine_limit = 1 << 20
        self.replayed: list[int] = []
        routes = [
            Route("/ngsi-ld/v1/entityOperations/upsert", self._upsert, methods=["POST"]),
            Route("/admin/quarantine", self._put, methods=["POST"]),
            Route("/admin/quarantine", self._list, methods=["GET"]),
            Route("/admin/quarantine/{id:int}", self._show, methods=["GET"]),
            Route("/admin/quarantine/{id:int}/replayed", self._replayed, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [entity for entity in self.stored if entity["type"] == name]

    async def _upsert(self, request: Request) -> Response:
        entities = orjson.loads(await request.body())
        self.requests.append(entities)
        self.headers.append(dict(request.headers) | {"query": request.url.query})
        answer = self.answer(entities)
        if answer.status_code < 300:
            refused = {error.get("entityId") for error in orjson.loads(answer.body or b"{}").get("errors", [])}
            self.stored += [entity for entity in entities if entity["id"] not in refused]
        return answer

    async def _put(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > self.quarantine_limit:
            return Response(status_code=413)
        record = orjson.loads(body)
        number = len(self.quarantine) + 1
        self.quarantine.append(record | {"id": number, "receivedAt": "2026-11-21T00:00:00Z"})
        return JSONResponse({"id": number}, 201)

    async def _list(self, request: Request) -> Response:
        source = request.query_params.get("source")
        shown = [each for each in self.quarantine if source in (None, each["source"])]
        return JSONResponse([{key: value for key, value in each.items() if key != "raw"} for each in shown])

    async def _show(self, request: Request) -> Response:
        number = request.path_params["id"]
        known = [each for each in self.quarantine if each["id"] == number]
        return JSONResponse(known[0]) if known else Response(status_code=404)

    async def _replayed(self, request: Request) -> Response:
        self.replayed.append(request.path_params["id"])
        return Response(status_code=204)

    def raw(self, index: int) -> bytes:
        return b64decode(self.quarantine[index]["raw"])


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[int]:
    """Serves an ASGI app on loopback in a thread; yields the port."""
    with socket.create_server(("127.0.0.1", port)) as door:
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        server.should_exit = True
        thread.join(5)
