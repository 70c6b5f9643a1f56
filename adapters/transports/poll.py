"""Polling over HTTP with conditional requests: a document that has not changed is not read again.

With `discovery` set, the documents are those a GBFS discovery file names; else they are the `urls`. A URL may hold the
time of its document (`steps.py`). The next look at each comes after `every` seconds or the document's own ttl,
whichever is longer; a document that cannot be had is asked for again with growing pauses and holds up no other.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx
import orjson
from pydantic import Field, field_validator, model_validator

from adapters.backoff import delays
from adapters.codecs.gbfs import feed_urls
from adapters.contract import DecodeError, Message, Outcome, SourceSettings
from adapters.transports.steps import Rhythm, Steps, is_template, told_time
from adapters.urls import url_of

log = logging.getLogger(__name__)

GONE = (404, 410)


class PollSettings(SourceSettings):
    """`documents` names the feeds of the discovery file to follow; `jitter` is the share of `every` added at random.

    Of a URL with `{time:%Y%m%d%H%M}` there is a document every `step` seconds, to be had `delay` seconds after its
    time, or after the time `latest` (a URL) tells. The zone is `utc_offset` hours from UTC; with `midnight_24`, 0:00
    is 24 of the day before. At most `catch_up` missed steps are fetched; the last `again` are looked at each time for
    what was corrected. A document that does not begin with `begins` is none: some servers answer 200 with a page.
    """

    transport: Literal["poll"] = "poll"
    discovery: str = ""
    documents: tuple[str, ...] = ("station_information", "station_status")
    urls: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    every: float = Field(default=60.0, gt=0)
    jitter: float = Field(default=0.1, ge=0, le=1)
    max_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    spool: bool = True
    step: float = Field(default=0.0, ge=0, le=86400)
    delay: float = Field(default=0.0, ge=0)
    latest: str = ""
    utc_offset: float = Field(default=9, ge=-12, le=14)
    midnight_24: bool = False
    catch_up: int = Field(default=144, ge=1, le=10_000)
    again: int = Field(default=0, ge=0, le=1000)
    begins: str = ""

    @field_validator("discovery", "latest")
    @classmethod
    def _is_http(cls, value: str) -> str:
        return value and url_of(value, "http", "https")

    @field_validator("urls")
    @classmethod
    def _are_http(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: url_of(url, "http", "https") for name, url in value.items()}

    @model_validator(mode="after")
    def _sound(self) -> "PollSettings":
        if any(map(is_template, self.urls.values())) and not self.step:
            raise ValueError("step: a URL that holds a time needs the seconds from one document to the next")
        if not self.discovery and not self.urls:
            raise ValueError("there is nothing to poll: neither discovery nor urls name a document")
        return self

    @property
    def zone(self) -> timezone:
        return timezone(timedelta(hours=self.utc_offset))


@dataclass(slots=True, eq=False)
class _Page:
    """One document, when to look at it next (monotonic), and what its server told us to say then."""

    topic: str
    url: str
    done: Callable[[], None] | None = None  # of a step
    due: float = 0.0
    validators: dict[str, str] = field(default_factory=dict)
    waits: Iterator[float] | None = None

    def postpone(self, first: float, longest: float) -> float:
        self.waits = self.waits or delays(first=first, longest=longest)
        pause = next(self.waits)
        self.due = time.monotonic() + pause
        return pause


class _Absent(Exception):
    """The document is not there, or what is there is another."""


async def follow(settings: PollSettings, state: Path | None = None) -> AsyncIterator[Message]:
    """Each new version of each document; `topic` is the document's name, or the path of a URL that holds a time.

    A server that does not answer never ends the source. `state` is the folder where the steps that were fetched are
    remembered.
    """
    async with httpx.AsyncClient(timeout=settings.timeout, follow_redirects=True, headers=settings.headers) as client:
        round_ = _Round(client, settings, state)
        while True:
            for page in await round_.pages():
                if (message := await round_.look(page)) is not None:
                    yield message
            await asyncio.sleep(round_.pause())


class _Round:
    """The documents of one source, and when each is looked at."""

    def __init__(self, client: httpx.AsyncClient, settings: PollSettings, state: Path | None) -> None:
        self._client, self._settings = client, settings
        self._known: dict[str, _Page] = {}
        self._guide = _Page("discovery", settings.discovery)
        self._clock = _Page("latest", settings.latest)
        self._found: dict[str, str] = {}
        self._lacking: list[str] = []
        self._until: datetime | None = None
        rhythm = Rhythm(settings.step, settings.zone, settings.midnight_24)
        self._rhythm = rhythm
        self._steps = {
            name: Steps(rhythm, settings.catch_up, settings.again, state and state / f"{quote(name, safe='')}.json")
            for name, url in settings.urls.items()
            if is_template(url)
        }

    async def pages(self) -> list[_Page]:
        """Those that are due now."""
        await self._guided()
        urls = {name: url for name, url in self._settings.urls.items() if name not in self._steps} | self._found
        wanted = {url: _Page(name, url) for name, url in urls.items()}
        if self._steps:
            await self._timed()
            for name, steps in self._steps.items():
                wanted |= {page.url: page for page in self._of_steps(name, steps)}
        self._known = {url: self._known.get(url, page) for url, page in wanted.items()}
        now = time.monotonic()
        return [page for page in self._known.values() if page.due <= now]

    def pause(self) -> float:
        """Seconds until something is due."""
        guides = [each for each in (self._guide, self._clock) if each.url]
        due = [page.due for page in (*self._known.values(), *guides)]
        if self._steps and not self._settings.latest:
            due.append(time.monotonic() + self._settings.every)  # when the next step may be there
        return max(0.0, min(due, default=time.monotonic() + self._settings.every) - time.monotonic())

    async def look(self, page: _Page) -> Message | None:
        """The document, None when it is unchanged or cannot be had."""
        try:
            message, ttl = await self._fetch(page)
        except _Absent as reason:
            log.info("poll: %s %s", page.url, reason)
            page.postpone(self._settings.every, max(self._settings.every, 3600.0))
            return None
        except (httpx.HTTPError, DecodeError) as error:
            self._failed(page, error)
            return None
        self._succeeded(page, ttl)
        return message

    def _failed(self, page: _Page, error: Exception) -> None:
        pause = page.postpone(first=2.0, longest=600.0)
        log.warning("poll: %s: %s; again in %.0f s", page.url, error, pause)

    def _succeeded(self, page: _Page, ttl: float = 0.0) -> None:
        spread = 1 + random.uniform(0, self._settings.jitter)  # noqa: S311
        page.due, page.waits = time.monotonic() + max(self._settings.every, ttl) * spread, None

    async def _guided(self) -> None:
        """Reads the discovery file when that is due; what it named before holds until it can be read."""
        if not self._guide.url or self._guide.due > time.monotonic():
            return
        try:
            found = feed_urls(await self._get(self._guide.url))
            self._found = {name: found[name] for name in self._settings.documents if name in found}
            self._tell_lacking([name for name in self._settings.documents if name not in found])
            self._succeeded(self._guide)
        except (httpx.HTTPError, DecodeError) as error:
            self._failed(self._guide, error)

    def _tell_lacking(self, names: list[str]) -> None:
        """Says which documents the discovery file does not name, once."""
        if names and names != self._lacking:
            log.warning("poll: %s names no %s", self._guide.url, ", ".join(names))
        self._lacking = names

    async def _timed(self) -> None:
        """Lets the steps go on to what the server calls its latest, or to what the clock says."""
        if not self._clock.url:
            self._until = datetime.now(UTC)
        elif self._clock.due <= time.monotonic():
            try:
                self._until = told_time(await self._get(self._clock.url), self._settings.zone)
                self._succeeded(self._clock)
            except (httpx.HTTPError, DecodeError) as error:
                self._failed(self._clock, error)
        if self._until is not None:
            for steps in self._steps.values():
                await asyncio.to_thread(steps.advance, self._until - timedelta(seconds=self._settings.delay))

    def _of_steps(self, name: str, steps: Steps) -> Iterator[_Page]:
        for at in steps.wanted:
            url = self._rhythm.url(self._settings.urls[name], at)
            yield _Page(urlsplit(url).path, url, lambda at=at: steps.done(at))  # type: ignore[misc]

    async def _get(self, url: str) -> bytes:
        response = await self._client.get(url)
        response.raise_for_status()
        return response.content

    async def _fetch(self, page: _Page) -> tuple[Message | None, float]:
        """The document and its ttl. Raises _Absent, httpx.HTTPError, DecodeError."""
        async with self._client.stream("GET", page.url, headers=page.validators) as response:
            if response.status_code == 304:
                return None, 0.0
            if page.done is not None and response.status_code in GONE:
                raise _Absent("is not there (yet)")
            response.raise_for_status()
            body = await _body(response, page.url, self._settings.max_bytes)
        begins = self._settings.begins.encode()
        if not body.removeprefix(b"\xef\xbb\xbf").startswith(begins):
            raise _Absent(f"does not begin with {self._settings.begins}")
        settle = _remember(page, _validators(response))
        return Message(body, datetime.now(UTC), page.topic, settle=settle), _ttl(body)


async def _body(response: httpx.Response, url: str, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise DecodeError("size", url, f"is larger than {max_bytes} bytes")
    return bytes(body)


def _remember(page: _Page, validators: dict[str, str]) -> Callable[[Outcome], Awaitable[None]]:
    async def settle(outcome: Outcome) -> None:
        # Only a document that was stored may be skipped next time.
        page.validators = validators
        if page.done is not None:
            await asyncio.to_thread(page.done)

    return settle


def _validators(response: httpx.Response) -> dict[str, str]:
    pairs = {"If-None-Match": response.headers.get("etag"), "If-Modified-Since": response.headers.get("last-modified")}
    return {name: value for name, value in pairs.items() if value}


def _ttl(body: bytes) -> float:
    """The ttl of a GBFS document, in seconds; 0 when the document has none."""
    try:
        ttl = orjson.loads(body).get("ttl", 0)
    except (orjson.JSONDecodeError, AttributeError):
        return 0.0
    return float(ttl) if isinstance(ttl, int | float) and 0 <= ttl <= 86400 else 0.0
