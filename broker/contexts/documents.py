"""The @contexts that are kept, each in its tenant: hosted, fetched, compound (GS CIM 009, 5.13.1).

What is in use stands in memory, all of it in the database, so that a restart needs no source.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import orjson

from broker.contexts.remote import Fetched, fetch
from broker.guard import Guard
from broker.settings import Settings
from broker.store import contexts as store
from broker.store.contexts import Stored
from broker.store.db import Database
from ngsi.errors import BadRequestData, LdContextNotAvailable

_URN: Final = "urn:ngsi-ld:Context:"
_PATIENCE: Final = 1.0  # seconds that a request waits for a fresh copy while there is an old one
_RETRY: Final = timedelta(seconds=60)  # an old copy is used for so long before its source is asked again
_ROOM: Final = 16 * 1024 * 1024  # bytes of JSON in memory; what was not used for longest goes first

Key = tuple[str, str]  # tenant, URL or local identifier


@dataclass(slots=True)
class Document:
    """A stored @context in memory, with the uses that the database has not heard of yet."""

    tenant: str
    stored: Stored
    saved: bool
    fresh_until: datetime | None
    size: int = 0
    uses: int = 0
    used_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.size = len(orjson.dumps(self.stored.body))

    def use(self, now: datetime) -> None:
        self.uses += 1
        self.used_at = now

    def is_fresh(self, now: datetime) -> bool:
        return self.fresh_until is None or now < self.fresh_until


class Documents:
    """Gives documents by URL or local identifier; each URL is fetched once, by one task, however many ask.

    `accept` keeps a document that shall take the place of an older copy, or raises because it is no good.
    """

    def __init__(self, settings: Settings, database: Database, accept: Callable[[Document], Awaitable[None]]) -> None:
        self._settings = settings
        self._database = database
        self._accept = accept
        self._guard = Guard(settings.remote_allow)
        self._known: dict[Key, Document] = {}
        self._fetching: dict[str, asyncio.Task[Fetched]] = {}
        self._renewing: set[asyncio.Task[None]] = set()

    async def copy(self, url: str, tenant: str) -> Document | None:
        """The copy of the document at `url` that is kept, None if there is none; its source is asked if it is old."""
        now = datetime.now(UTC)
        known = await self.local(url, tenant)
        if known is None or known.is_fresh(now):
            return known
        known.fresh_until = now + _RETRY  # the old copy is better than none, and than a bad one
        renewal = asyncio.create_task(self._renew(url, tenant))
        self._renewing.add(renewal)
        renewal.add_done_callback(self._renewing.discard)
        await asyncio.wait([renewal], timeout=_PATIENCE)
        return self._known.get((tenant, url), known)

    async def fetched(self, url: str, tenant: str) -> Document:
        """The document at `url` from its source, for `keep` once it has proved good.

        Raises LdContextNotAvailable (no answer), BadRequestData (the source gives no context).
        """
        return _fetched(url, tenant, await asyncio.shield(self._task(url)))

    async def keep(self, document: Document) -> None:
        """Keep a document that was fetched, in place of the copy that there may be."""
        document.saved = await store.put(self._database, document.tenant, document.stored)
        assert document.stored.url is not None
        self._remember(document, document.stored.url)

    async def _renew(self, url: str, tenant: str) -> None:
        with suppress(LdContextNotAvailable, BadRequestData):
            await self._accept(await self.fetched(url, tenant))

    async def local(self, name: str, tenant: str) -> Document | None:
        """The stored @context with the local identifier or URL `name`, fresh or not."""
        known = self._known.get((tenant, name))
        if known is None:
            stored = await store.find(self._database, tenant, name)
            if stored is None:
                return None
            known = self._remember(Document(tenant, stored, True, stored.expires_at), name)
        return known

    async def add(self, body: Any, tenant: str) -> Stored:
        """Host the context that a client gave (5.13.2); the tenant exists."""
        stored = Stored(f"{_URN}{uuid4()}", "Hosted", None, body, datetime.now(UTC))
        await store.put(self._database, tenant, stored)
        return stored

    async def host(self, body: Any, tenant: str) -> str:
        """Host a compound under its identifier, which follows from what it says (5.13.1)."""
        name = content_id(body)
        if await self.local(name, tenant) is None:
            stored = Stored(name, "ImplicitlyCreated", None, body, datetime.now(UTC))
            self._remember(Document(tenant, stored, await store.put(self._database, tenant, stored), None), name)
        return name

    async def listed(self, tenant: str, kind: str | None) -> list[Stored]:
        """All that the tenant has, without bodies (5.13.3)."""
        await self.save()
        return await store.listed(self._database, tenant, kind)

    async def stored(self, name: str, tenant: str) -> Stored | None:
        """One by local identifier or URL, as it is in the database (5.13.4)."""
        await self.save()
        return await store.find(self._database, tenant, name)

    async def remove(self, stored: Stored, tenant: str) -> None:
        """Forget one (5.13.5)."""
        self.forget(tenant)
        await store.remove(self._database, tenant, stored.id)

    async def reload(self, stored: Stored, tenant: str) -> None:
        """Fetch again and replace. Raises LdContextNotAvailable, whatever is wrong, and then the old one stays."""
        assert stored.url is not None
        try:
            got = await fetch(stored.url, self._settings, self._guard)
            await self._accept(_fetched(stored.url, tenant, got))
        except BadRequestData as error:
            raise LdContextNotAvailable(error.detail) from None

    def forget(self, tenant: str | None) -> None:
        """Let go of what stands in memory of a tenant, or of all."""
        for key in [key for key in self._known if tenant is None or key[0] == tenant]:
            del self._known[key]

    async def save(self) -> None:
        """Write down uses, and documents of tenants that did not exist when they came."""
        used = [document for document in self._known.values() if document.uses or not document.saved]
        for document in used:
            if not document.saved:
                document.saved = await store.put(self._database, document.tenant, document.stored)
        uses = [(it.tenant, it.stored.id, it.uses, it.used_at) for it in used if it.saved and it.uses]
        for document in used:
            document.uses = 0 if document.saved else document.uses
        if uses:
            await store.used(self._database, uses)

    def _task(self, url: str) -> asyncio.Task[Fetched]:
        task = self._fetching.get(url)
        if task is None:
            task = self._fetching[url] = asyncio.create_task(fetch(url, self._settings, self._guard))
            task.add_done_callback(lambda done: self._done(url, done))
        return task

    def _done(self, url: str, task: asyncio.Task[Fetched]) -> None:
        self._fetching.pop(url, None)
        if not task.cancelled():
            task.exception()  # who waited has been told; a task that nobody waits for any more stays silent

    def _remember(self, document: Document, name: str) -> Document:
        self._known[document.tenant, name] = document
        while len(self._known) > 1 and sum(it.size for it in self._known.values()) > _ROOM:
            del self._known[min(self._known, key=lambda key: self._known[key].used_at)]
        return document


def _fetched(url: str, tenant: str, got: Fetched) -> Document:
    now = datetime.now(UTC)
    expires = now + timedelta(seconds=got.lifetime)
    return Document(tenant, Stored(content_id(url), "Cached", url, got.body, now, expires), False, expires)


def content_id(content: Any) -> str:
    """The local identifier that follows from a URL or a compound: the same for the same content."""
    return _URN + hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
