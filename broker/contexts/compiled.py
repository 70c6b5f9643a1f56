"""@contexts as operations use them: from what a request says to a compiled map of names, kept until it is stale."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import orjson

from broker.contexts.documents import Document, Documents, content_id
from broker.settings import Settings
from broker.store.db import CONNECTION_LOST, Database
from ngsi.errors import BadRequestData, LdContextNotAvailable, shown
from ngsi.jsonld import Context, check_context, compile_context
from ngsi.terms import CORE_CONTEXT

_CORE_URL: Final = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(?:-v1\.[3-9])?\.jsonld")
_HOSTED: Final = "/ngsi-ld/v1/jsonldContexts/"
_DEPTH: Final = 8
_PARTS: Final = 32  # documents that one @context may be made of
_KEPT: Final = 512  # compiled contexts in memory
_MANY: Final = 300  # terms whose compilation would hold up the other requests: 3,000 take 40 ms
_SAVE_EVERY: Final = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class _Compiled:
    context: Context
    documents: tuple[Document, ...]

    def is_fresh(self, now: datetime) -> bool:
        return all(document.is_fresh(now) for document in self.documents)

    def is_of(self, tenant: str) -> bool:
        """Whether a document of `tenant` is in it: one tenant may link the hosted @context of another."""
        return any(document.tenant == tenant for document in self.documents)


@dataclass(slots=True)
class _Reading:
    """One @context while it is put together; `fetched` are the documents that nothing is kept of yet, by URL."""

    tenant: str
    fetched: dict[str, Document] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)


class Contexts:
    """Compiles @context values, each for the tenant that asks."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self.documents = Documents(settings, database, self._accept)
        self._compiled: dict[tuple[str, str | bytes], _Compiled] = {}
        core = files("ngsi").joinpath("contexts", "ngsi-ld-core-context-v1.9.jsonld").read_bytes()
        self._core: dict[str, Any] = orjson.loads(core)["@context"]
        self.default = compile_context([], self._core)
        self.own = _own_contexts(settings)
        self._saving = asyncio.create_task(self._save())

    async def close(self) -> None:
        """Write down what the database has not heard of yet."""
        self._saving.cancel()
        with suppress(asyncio.CancelledError):
            await self._saving
        with suppress(*CONNECTION_LOST):
            await self.documents.save()

    async def load(self, source: Any, tenant: str = "") -> Context:
        """The compiled context of a URL, an object, or an array of them; `tenant` is a name, "" the default one.

        Raises BadRequestData (not a context) or LdContextNotAvailable (it could not be fetched).
        """
        if source is None or source == []:
            source = self._settings.default_context or None
        if source is None:
            return self.default
        key = (tenant, source if isinstance(source, str) else orjson.dumps(source))
        compiled = self._compiled.get(key)
        now = datetime.now(UTC)
        if compiled is None or not compiled.is_fresh(now):
            compiled = await self._compile(source, _Reading(tenant))
            self._keep(key, compiled)
        for document in compiled.documents:
            document.use(now)
        return compiled.context

    async def link_url(self, context: Context, tenant: str = "", base: str = "") -> str:
        """A URL that gives `context`: its own, or one under `base` where a compound of several is hosted from now on.

        `base` is the broker's URL as the reader knows it; without it BROKER_PUBLIC_URL, or the address listened on.
        """
        if is_compound(context):
            await self.documents.host(served(context), tenant)
        return self.url_of(context, tenant, base)

    def url_of(self, context: Context, tenant: str = "", base: str = "") -> str:
        """What `link_url` gives, without hosting anything yet."""
        source = served(context)
        return source if isinstance(source, str) else self.hosted_url(content_id(source), tenant, base)

    def hosted_url(self, name: str, tenant: str = "", base: str = "") -> str:
        """Where the broker serves the stored @context with the local identifier `name`."""
        base = self._settings.public_url or base or f"http://{self._settings.host}:{self._settings.port}"
        query = f"?tenant={quote(tenant)}" if tenant else ""
        return f"{base.rstrip('/')}{_HOSTED}{quote(name, safe=':')}{query}"

    def forget(self, tenant: str | None = None) -> None:
        """Let go of what is in memory of a tenant's documents, or of all; they changed elsewhere, or were deleted."""
        self.documents.forget(tenant)
        for key in [key for key, compiled in self._compiled.items() if tenant is None or compiled.is_of(tenant)]:
            del self._compiled[key]

    async def _compile(self, source: Any, reading: _Reading) -> _Compiled:
        """`source` compiled; what was fetched for it is kept only then, so that nothing bad is."""
        try:
            async with asyncio.timeout(2 * self._settings.context_timeout):
                await self._read(source, reading, "", 0)
        except TimeoutError:
            raise LdContextNotAvailable(f"@context {shown(source)}: its parts take too long to fetch") from None
        compiling = partial(compile_context, reading.parts, self._core, _said(source))
        many = sum(len(part) for part in reading.parts) > _MANY
        context = await asyncio.to_thread(compiling) if many else compiling()
        for document in reading.fetched.values():
            await self.documents.keep(document)
        return _Compiled(context, tuple(reading.documents))

    async def _accept(self, document: Document) -> None:
        """Keep `document` in place of its older copy. Raises BadRequestData or LdContextNotAvailable: no good."""
        url = document.stored.url
        assert url is not None
        await self._compile(url, _Reading(document.tenant, {url: document}))

    async def _read(self, source: Any, reading: _Reading, base: str, depth: int) -> None:
        """Gather the parts of `source` in order; `base` is the URL of the document that it stands in."""
        if depth > _DEPTH or len(reading.documents) > _PARTS:
            raise BadRequestData(f"@context: contexts refer to more than {_PARTS} others, or more than {_DEPTH} deep")
        if isinstance(source, list):
            for item in source:
                await self._read(item, reading, base, depth + 1)
        elif isinstance(source, dict):
            await self._read_object(source, reading, base, depth)
        elif isinstance(source, str):
            url = _joined(base, source)
            if not _CORE_URL.fullmatch(url):
                await self._read(await self._document(url, reading), reading, url, depth + 1)
        elif source is None:
            reading.parts.clear()  # JSON-LD 1.1, 4.1: null sets everything before it aside
        else:
            check_context(source)

    async def _read_object(self, source: dict[str, Any], reading: _Reading, base: str, depth: int) -> None:
        check_context(source)
        if isinstance(source.get("@import"), str):
            await self._read(source["@import"], reading, base, depth + 1)
        reading.parts.append(source)

    async def _document(self, url: str, reading: _Reading) -> Any:
        path = urlsplit(url).path
        if path.startswith("/contexts/") and path.removeprefix("/contexts/") in self.own and self._is_own(url):
            return orjson.loads(self.own[path.removeprefix("/contexts/")])["@context"]
        document = reading.fetched.get(url)
        if document is None and path.startswith(_HOSTED):
            name = unquote(path.removeprefix(_HOSTED)).strip("/")
            document = await self.documents.local(name, _tenant(url) or reading.tenant)
            if document is None and self._is_own(url):
                raise LdContextNotAvailable(f"@context {shown(url)}: there is none of this name here")
        document = document or await self.documents.copy(url, reading.tenant)
        if document is None:
            document = reading.fetched[url] = await self.documents.fetched(url, reading.tenant)
        reading.documents.append(document)
        return document.stored.body

    def _is_own(self, url: str) -> bool:
        """Whether `url` is served by this broker."""
        parts = urlsplit(url)
        public = self._settings.public_url.rstrip("/")
        if public and url.startswith(public + "/"):
            return True
        names = ("localhost", "127.0.0.1", "::1", "broker", self._settings.host)
        return parts.port == self._settings.port and (parts.hostname or "") in names

    def _keep(self, key: tuple[str, str | bytes], compiled: _Compiled) -> None:
        self._compiled.pop(key, None)
        while len(self._compiled) >= _KEPT:
            del self._compiled[next(iter(self._compiled))]  # the one made longest ago
        self._compiled[key] = compiled

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            with suppress(Exception):  # the uses are not lost: the next round writes them
                await self.documents.save()


def _joined(base: str, url: str) -> str:
    """`url` as it is meant in the document at `base`. Raises BadRequestData for what is not an http URL."""
    try:
        joined = urljoin(base, url)
        good = urlsplit(joined).scheme in ("http", "https") and bool(urlsplit(joined).hostname)
    except ValueError:
        good = False
    if not good:
        raise BadRequestData(f"@context: {shown(url)} is not an http or https URL")
    return joined


def _tenant(url: str) -> str:
    """The tenant that a link of this broker names (see `hosted_url`), else ""."""
    return parse_qs(urlsplit(url).query).get("tenant", [""])[0]


def _said(source: Any) -> Any:
    """What an answer says of `source`: without the core context, which goes without saying."""
    items = [
        item
        for item in (source if isinstance(source, list) else [source])
        if not (isinstance(item, str) and _CORE_URL.fullmatch(item))
    ]
    return items[0] if len(items) == 1 else items or None


def is_compound(context: Context) -> bool:
    """Whether no single URL gives `context`."""
    return not isinstance(served(context), str)


def served(context: Context) -> Any:
    """What an answer says of its context: the request's own, or the core context."""
    return context.source if context.source is not None else CORE_CONTEXT


def _own_contexts(settings: Settings) -> dict[str, bytes]:
    folder = settings.contexts_folder
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonld")} if folder else {}
