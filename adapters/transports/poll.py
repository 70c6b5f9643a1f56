"""Polling over HTTP with conditional requests: a document that has not changed is not read again.

With `discovery` set, the documents are those a GBFS discovery file names; else they are the `urls`. The next look comes
after `every` seconds or the document's own ttl, whichever is longer.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import httpx
import orjson
from pydantic import Field

from adapters.backoff import delays
from adapters.codecs.gbfs import feed_urls
from adapters.contract import DecodeError, Message, Outcome, SourceSettings

log = logging.getLogger(__name__)


class PollSettings(SourceSettings):
    """`documents` names the feeds of the discovery file to follow; `jitter` is the share of `every` added at random."""

    transport: Literal["poll"] = "poll"
    discovery: str = ""
    documents: tuple[str, ...] = ("station_information", "station_status")
    urls: dict[str, str] = Field(default_factory=dict)
    every: float = 60.0
    jitter: float = 0.1
    max_bytes: int = 32 * 1024 * 1024
    timeout: float = 30.0
    spool: bool = True


@dataclass(slots=True)
class _Page:
    """One document and what its server told us to say next time."""

    name: str
    url: str
    ttl: float = 0.0
    validators: dict[str, str] = field(default_factory=dict)


async def follow(settings: PollSettings) -> AsyncIterator[Message]:
    """Each new version of each document; `topic` is the document's name.

    A server that does not answer is asked again with growing pauses; it never ends the source.
    """
    waits = delays(first=2.0, longest=600.0)
    async with httpx.AsyncClient(timeout=settings.timeout, follow_redirects=True) as client:
        pages: dict[str, _Page] = {}
        while True:
            pause = settings.every
            try:
                for page in await _pages(client, settings, pages):
                    if (message := await _fetch(client, page, settings.max_bytes)) is not None:
                        yield message
                    pause = max(pause, page.ttl)
                waits = delays(first=2.0, longest=600.0)
            except (httpx.HTTPError, DecodeError) as error:
                pause = next(waits)
                log.warning("poll: %s: %s; again in %.0f s", settings.discovery or settings.urls, error, pause)
            await asyncio.sleep(pause * (1 + random.uniform(0, settings.jitter)))  # noqa: S311


async def _pages(client: httpx.AsyncClient, settings: PollSettings, known: dict[str, _Page]) -> Iterable[_Page]:
    """The documents to look at, each with what is known of it; a renamed URL starts afresh."""
    urls = dict(settings.urls)
    if settings.discovery:
        response = await client.get(settings.discovery)
        response.raise_for_status()
        found = feed_urls(response.content)
        urls |= {name: found[name] for name in settings.documents if name in found}
    for name, url in urls.items():
        if name not in known or known[name].url != url:
            known[name] = _Page(name, url)
    return [known[name] for name in urls]


async def _fetch(client: httpx.AsyncClient, page: _Page, max_bytes: int) -> Message | None:
    async with client.stream("GET", page.url, headers=page.validators) as response:
        if response.status_code == 304:
            return None
        response.raise_for_status()
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise DecodeError("size", page.url, f"is larger than {max_bytes} bytes")
    page.ttl = _ttl(body)
    return Message(bytes(body), datetime.now(UTC), page.name, settle=_remember(page, _validators(response)))


def _remember(page: _Page, validators: dict[str, str]) -> Callable[[Outcome], Awaitable[None]]:
    async def settle(outcome: Outcome) -> None:
        # Only a document that was stored may be skipped next time.
        page.validators = validators

    return settle


def _validators(response: httpx.Response) -> dict[str, str]:
    pairs = {"If-None-Match": response.headers.get("etag"), "If-Modified-Since": response.headers.get("last-modified")}
    return {name: value for name, value in pairs.items() if value}


def _ttl(body: bytes | bytearray) -> float:
    """The ttl of a GBFS document, in seconds; 0 when the document has none."""
    try:
        ttl = orjson.loads(body).get("ttl", 0)
    except (orjson.JSONDecodeError, AttributeError):
        return 0.0
    return float(ttl) if isinstance(ttl, int | float) and 0 <= ttl <= 86400 else 0.0
