"""Fetching a JSON-LD context from its URL: guarded, and bounded in size, time and redirections."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpx
import orjson

from broker.guard import Guard, Refused
from broker.settings import Settings
from ngsi.errors import BadRequestData, LdContextNotAvailable, shown
from ngsi.jsonld import check_context

_REDIRECTIONS: Final = 3
_LONGEST_URL: Final = 2000
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*)")  # a link and its parameters
_ALTERNATE: Final = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\balternate\b|alternate\b)", re.IGNORECASE)
_JSON_LD: Final = re.compile(r";\s*type\s*=\s*\"?application/ld\+json\b", re.IGNORECASE)
_SHARED_AGE: Final = re.compile(r"\bs-maxage=\"?(\d{1,9})")
_MAX_AGE: Final = re.compile(r"\bmax-age=\"?(\d{1,9})")
_AGE: Final = re.compile(r"\s*(\d{1,9})")
_SHORTEST, _LONGEST = 10.0, 7 * 86_400.0  # seconds; a source that says "no-cache" must not cost a fetch per request
_HEADERS: Final = {"Accept": "application/ld+json, application/json;q=0.9, */*;q=0.1", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """The value of "@context", and for how many seconds the source lets it be kept."""

    body: Any
    lifetime: float


async def fetch(url: str, settings: Settings, guard: Guard) -> Fetched:
    """The context at `url`. Raises LdContextNotAvailable (no answer), BadRequestData (not a context)."""
    try:
        target = httpx.URL(url)
        target.host  # noqa: B018  decoded here: a label may be no Punycode
    except (httpx.InvalidURL, UnicodeError):
        raise BadRequestData(f"@context: {shown(url)} is not a URL") from None
    try:
        async with asyncio.timeout(settings.context_timeout):
            body, lifetime = await _followed(target, settings, guard)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError, TimeoutError) as error:
        raise LdContextNotAvailable(f"@context {shown(url)} could not be fetched: {type(error).__name__}") from None
    except Refused as refused:
        raise LdContextNotAvailable(f"@context {shown(url)}: {refused}") from None
    try:
        value = orjson.loads(body)["@context"]
    except (ValueError, TypeError, KeyError):
        raise BadRequestData(f"@context {shown(url)}: the document is not a JSON-LD context") from None
    check_context(value)
    return Fetched(value, settings.context_ttl if lifetime is None else lifetime)


async def _followed(url: httpx.URL, settings: Settings, guard: Guard) -> tuple[bytes, float | None]:
    async with httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=settings.context_timeout) as client:
        linked = False
        for _ in range(_REDIRECTIONS + 1):
            if url.scheme not in ("http", "https") or not url.host or len(str(url)) > _LONGEST_URL:
                raise BadRequestData(f"@context: {shown(str(url))} is not an http or https URL")
            answer = await _get(client, url, guard)
            try:
                if answer.has_redirect_location:
                    url = url.join(answer.headers["location"])
                    continue
                if answer.status_code != 200:
                    raise LdContextNotAvailable(f"@context {shown(str(url))}: the server says {answer.status_code}")
                alternate = None if linked else _alternate(answer)
                if alternate is not None:
                    url, linked = url.join(alternate), True
                    continue
                return await _bounded(answer, settings.context_size), _lifetime(answer)
            finally:
                await answer.aclose()
    raise LdContextNotAvailable(f"@context {shown(str(url))}: redirected more than {_REDIRECTIONS} times")


async def _get(client: httpx.AsyncClient, url: httpx.URL, guard: Guard) -> httpx.Response:
    """Ask the first address of the host that answers; connected to is what the guard has checked."""
    host = url.host.strip("[]")
    refused: httpx.TransportError = httpx.ConnectError("no address")
    for address in await guard.addresses(host, url.port or (443 if url.scheme == "https" else 80)):
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**_HEADERS, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        try:
            return await client.send(request, stream=True)
        except httpx.ConnectError as error:
            refused = error
    raise refused


def _alternate(answer: httpx.Response) -> str | None:
    """Where an answer that is not JSON says that there is JSON-LD (JSON-LD 1.1 API, 9.4), as schema.org does."""
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        return None
    links = _LINK.findall(answer.headers.get("link", ""))
    return next((url for url, said in links if _ALTERNATE.search(said) and _JSON_LD.search(said)), None)


async def _bounded(answer: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise BadRequestData(f"@context {shown(str(answer.url))} is larger than {limit} bytes")
    return bytes(body)


def _lifetime(answer: httpx.Response) -> float | None:
    """What Cache-Control says, or else Expires, less the time in caches on the way (RFC 9111, 4.2), within bounds.

    None when they say nothing (6.3.16). The broker is a shared cache: s-maxage comes before max-age.
    """
    header = answer.headers.get("cache-control", "").lower()
    if "no-cache" in header or "no-store" in header:
        return _SHORTEST
    said = _SHARED_AGE.search(header) or _MAX_AGE.search(header)
    lifetime = float(said[1]) if said else _until_expiry(answer)
    age = _AGE.match(answer.headers.get("age", ""))
    return None if lifetime is None else min(max(lifetime - (float(age[1]) if age else 0), _SHORTEST), _LONGEST)


def _until_expiry(answer: httpx.Response) -> float | None:
    """Seconds to the instant of Expires by the source's own clock; what is no date has expired (RFC 9111, 5.3)."""
    if "expires" not in answer.headers:
        return None
    try:
        now = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else datetime.now(UTC)
        return (parsedate_to_datetime(answer.headers["expires"]) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
