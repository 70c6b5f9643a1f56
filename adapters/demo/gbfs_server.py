"""Serves the recorded GBFS documents over HTTP, with the ETags a real system sends."""

import csv
import hashlib
import io
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters import server
from adapters.demo.files import RECORDED

FETCHED = 1795186800  # 2026-11-21 00:00 in Japan: the station list says no time of its own
FIXTURES = ("station_information", "station_status", "system_information")


def documents(base: str) -> dict[str, bytes]:
    """Path to document. `base` is the URL they are served under; the discovery files point there."""
    fixtures = {
        f"mobilitydata/{name}.json": RECORDED.joinpath("gbfs-fixture", f"{name}.json").read_bytes() for name in FIXTURES
    }
    docomo = {"docomo/station_information.json": orjson.dumps(_page({"stations": _docomo_stations()}))}
    return {
        **fixtures,
        **docomo,
        "mobilitydata/gbfs.json": _discovery(base, "mobilitydata", FIXTURES),
        "docomo/gbfs.json": _discovery(base, "docomo", ("station_information",)),
    }


async def serve(host: str, port: int) -> None:
    """Listens until cancelled. Raises OSError when the port is taken."""
    pages = {path: (body, _etag(body)) for path, body in documents(f"http://{host}:{port}").items()}

    async def page(request: Request) -> Response:
        body, etag = pages.get(request.path_params["path"], (b"", ""))
        if not etag:
            return Response("no such document", 404)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="application/json", headers={"ETag": etag})

    app = Starlette(routes=[Route("/{path:path}", page)])
    await server.serve(app, host, port)


def _docomo_stations() -> list[dict[str, Any]]:
    """The recorded list, in the words of GBFS; nothing is added."""
    text = RECORDED.joinpath("docomo_station.csv").read_text(encoding="utf-8-sig")
    return [
        {
            "station_id": row["station_id"],
            "name": row["name"],
            "lat": float(row["lat"]),
            "lon": float(row["lon"]),
            "region_id": row["region_id"],
        }
        | ({"capacity": int(row["capacity"])} if row["capacity"] else {})
        for row in csv.DictReader(io.StringIO(text))
    ]


def _discovery(base: str, system: str, names: tuple[str, ...]) -> bytes:
    feeds = [{"name": name, "url": f"{base}/{system}/{name}.json"} for name in names]
    return orjson.dumps(_page({"ja": {"feeds": feeds}}))


def _page(data: dict[str, Any]) -> dict[str, Any]:
    return {"last_updated": FETCHED, "ttl": 60, "version": "2.3", "data": data}


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'
