"""@contexts: bundled, served by the broker itself, or fetched (GS CIM 009, 5.5.7, 6.3.5)."""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Iterable
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from broker.settings import Settings
from ngsi.errors import BadRequestData, LdContextNotAvailable, shown
from ngsi.jsonld import Context, compile_context
from ngsi.terms import CORE_CONTEXT

_CORE_URL = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/(ngsi-ld-core-context(?:-v1\.[3-9])?\.jsonld)")
_DEPTH = 8


class Contexts:
    """Compiles @context values; each URL is fetched once, by one task, however many ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._documents: dict[str, tuple[float, Any]] = {}
        self._compiled: dict[bytes, tuple[float, Context]] = {}
        self._fetching: dict[str, asyncio.Task[Any]] = {}
        core = files("ngsi").joinpath("contexts", "ngsi-ld-core-context-v1.9.jsonld").read_bytes()
        self._core: dict[str, Any] = orjson.loads(core)["@context"]
        self.default = compile_context([], self._core)
        self.own = _own_contexts(settings)

    async def load(self, source: Any) -> Context:
        """The compiled context of a URL, an object, or an array of them.

        Raises BadRequestData (not a context) or LdContextNotAvailable (it could not be fetched).
        """
        if source is None or source == []:
            source = self._settings.default_context or None
        if source is None:
            return self.default
        key = orjson.dumps(source)
        made, context = self._compiled.get(key, (0.0, self.default))
        if made and time.monotonic() - made < self._settings.context_ttl:
            return context
        documents = await self._flatten(source, 0)
        context = compile_context(documents, self._core, None if not documents and _only_core(source) else source)
        if len(self._compiled) > 1000:
            self._compiled.clear()
        self._compiled[key] = (time.monotonic(), context)
        return context

    async def _flatten(self, source: Any, depth: int) -> list[dict[str, Any]]:
        if depth > _DEPTH:
            raise BadRequestData(f"@context: contexts refer to one another more than {_DEPTH} deep")
        if isinstance(source, list):
            return [document for item in source for document in await self._flatten(item, depth + 1)]
        if isinstance(source, dict):
            return [source]
        if not isinstance(source, str):
            raise BadRequestData(f"@context: {shown(source)} is neither a URL nor an object nor an array of them")
        if _CORE_URL.fullmatch(source):
            return []
        return await self._flatten(await self._document(source), depth + 1)

    async def _document(self, url: str) -> Any:
        name = urlsplit(url).path.removeprefix("/contexts/")
        if name in self.own and urlsplit(url).path.startswith("/contexts/") and self._is_own(url):
            return orjson.loads(self.own[name])["@context"]
        made, document = self._documents.get(url, (0.0, None))
        if made and time.monotonic() - made < self._settings.context_ttl:
            return document
        task = self._fetching.get(url)
        if task is None:
            task = self._fetching[url] = asyncio.create_task(self._fetch(url))
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        try:
            document = await asyncio.shield(task)
        except LdContextNotAvailable:
            if made:  # the source is down: the old copy is better than none
                return document
            raise
        self._documents[url] = (time.monotonic(), document)
        return document

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        if self._settings.public_url and url.startswith(self._settings.public_url.rstrip("/") + "/"):
            return True
        return parts.port == self._settings.port and (parts.hostname or "") in (
            "localhost",
            "127.0.0.1",
            "::1",
            "broker",
        )

    async def _fetch(self, url: str) -> Any:
        if urlsplit(url).scheme not in ("http", "https"):
            raise BadRequestData(f"@context: {shown(url)} is not an http or https URL")
        try:
            await self._guard(url)
            async with (
                asyncio.timeout(self._settings.context_timeout),
                httpx.AsyncClient() as client,
                client.stream("GET", url, headers={"Accept": "application/ld+json, application/json"}) as answer,
            ):
                if answer.status_code != 200:
                    raise LdContextNotAvailable(f"@context {shown(url)}: the server answered {answer.status_code}")
                body = await self._bounded(answer.aiter_bytes(), url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise LdContextNotAvailable(f"@context {shown(url)} could not be fetched: {type(error).__name__}") from None
        try:
            return orjson.loads(body)["@context"]
        except (ValueError, TypeError, KeyError):
            raise BadRequestData(f"@context {shown(url)}: the document is not a JSON-LD context") from None

    async def _bounded(self, chunks: Any, url: str) -> bytes:
        body = bytearray()
        async for chunk in chunks:
            body += chunk
            if len(body) > self._settings.context_size:
                raise BadRequestData(f"@context {shown(url)} is larger than {self._settings.context_size} bytes")
        return bytes(body)

    async def _guard(self, url: str) -> None:
        """Refuse addresses inside (SSRF), unless BROKER_REMOTE_ALLOW names them."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        allowed = [item.strip() for item in self._settings.remote_allow.split(",") if item.strip()]
        if host in allowed:
            return
        found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        for *_, address in found:
            ip = ipaddress.ip_address(address[0])
            if not ip.is_global and not _within(ip, allowed):
                raise LdContextNotAvailable(
                    f"@context {shown(url)}: a private address; BROKER_REMOTE_ALLOW may name it"
                )


def _within(ip: Any, allowed: Iterable[str]) -> bool:
    for item in allowed:
        try:
            if ip in ipaddress.ip_network(item, strict=False):
                return True
        except (ValueError, TypeError):
            continue
    return False


def _only_core(source: Any) -> bool:
    return all(isinstance(item, str) for item in (source if isinstance(source, list) else [source]))


def _own_contexts(settings: Settings) -> dict[str, bytes]:
    folder = settings.contexts_folder
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonld")} if folder else {}


def served(context: Context) -> Any:
    """What an answer says of its context: the request's own, or the core context."""
    return context.source if context.source is not None else CORE_CONTEXT
