"""A web server on loopback that gives @contexts, for tests: its documents can change, fail, dawdle and be counted."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any

import orjson


@dataclass
class Page:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0


class Source:
    """`pages` by path; `asked` counts requests; `url` names a page."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: Counter[str] = Counter()
        self.hosts: list[str] = []
        self._open = True
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                source.asked[self.path] += 1
                source.hosts.append(self.headers["host"])
                page = source.pages.get(self.path, Page(b"nothing", 404))
                sleep(page.delay)
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # who gave up waiting
                    self.wfile.write(page.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path: str, context: Any, **more: Any) -> str:
        """Serve a document with this "@context" at `path`; returns its URL."""
        self.pages[path] = Page(orjson.dumps({"@context": context}), **more)
        return self.url(path)

    def close(self) -> None:
        """Stop answering: connections are refused from now on."""
        if self._open:
            self._open = False
            self.server.shutdown()
            self.server.server_close()


@contextmanager
def source() -> Iterator[Source]:
    made = Source()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        made.close()
