"""Which web pages may read answers (the Fetch standard's CORS protocol)."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

_EXPOSED: Final = (
    b"Location, Link, ETag, Allow, Accept-Patch, Content-Range, NGSILD-Tenant, NGSILD-Results-Count, NGSILD-Warning, "
    b"NGSILD-EntityMap, NGSILD-Snapshot, Preference-Applied"
)
_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_ASKED: Final = (
    b"Accept, Content-Type, Link, Prefer, If-Match, If-None-Match, NGSILD-Tenant, Fiware-Service, NGSILD-EntityMap, "
    b"NGSILD-Snapshot, Via, Authorization"
)
_FOR_A_DAY: Final = b"86400"


class Cors:
    """Answers the browsers of the given origins: a list separated by commas, `*` for every page, empty for none."""

    def __init__(self, origins: str) -> None:
        self._origins = {item.strip().rstrip("/").encode("latin-1") for item in origins.split(",") if item.strip()}

    def allow(self, answer: Response, headers: Mapping[bytes, bytes]) -> None:
        """Add what lets the page of header Origin read `answer`, or send what a preflight asks for."""
        if not self._origins:
            return
        every = b"*" in self._origins
        if not every:
            answer.raw_headers.append((b"vary", b"Origin"))
        origin = headers[b"origin"]
        if not every and origin not in self._origins:
            return
        answer.raw_headers.append((b"access-control-allow-origin", b"*" if every else origin))
        answer.raw_headers.append((b"access-control-expose-headers", _EXPOSED))
        if b"access-control-request-method" in headers:
            answer.raw_headers.append((b"access-control-allow-methods", _METHODS))
            answer.raw_headers.append((b"access-control-allow-headers", _ASKED))
            answer.raw_headers.append((b"access-control-max-age", _FOR_A_DAY))
