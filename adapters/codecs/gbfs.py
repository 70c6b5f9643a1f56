"""GBFS 2.3 and 3.0 (github.com/MobilityData/gbfs), as far as both can be read with the same eyes."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.codecs.documents import parsed
from adapters.contract import DecodeError


def document(body: bytes) -> dict[str, Any]:
    """A GBFS document. Raises DecodeError when the bytes are none (an error page with status 200, for instance)."""
    page = parsed(body)
    if not isinstance(page, dict) or not isinstance(page.get("data"), dict) or "last_updated" not in page:
        raise DecodeError("document", body[:40], "has no data and last_updated, so it is no GBFS")
    return page


def feed_urls(body: bytes) -> dict[str, str]:
    """Name to URL of the feeds a discovery document lists (2.x: of its first language). Raises DecodeError."""
    data = document(body)["data"]
    feeds = data.get("feeds")
    if feeds is None:  # 2.x has one list per language
        feeds = next((each.get("feeds") for each in data.values() if isinstance(each, dict)), None)
    if not isinstance(feeds, list):
        raise DecodeError("data.feeds", list(data), "lists no feeds")
    told = ((each.get("name"), each.get("url")) for each in feeds if isinstance(each, dict))
    return {name: url for name, url in told if isinstance(name, str) and isinstance(url, str)}


def listed(page: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of the document's list of that name. Raises DecodeError when there is no such list."""
    found = page["data"].get(name)
    if not isinstance(found, list):
        raise DecodeError(f"data.{name}", type(found).__name__, "is no list")
    yield from found


def instant(field: str, value: Any) -> datetime:
    """POSIX seconds (2.x) or RFC 3339 (3.0) as an aware instant. Raises DecodeError."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            if at.tzinfo is not None:
                return at
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise DecodeError(field, value, "is neither POSIX seconds nor an RFC 3339 time")


def text(value: Any, language: str = "ja") -> str | None:
    """A plain string (2.x) or the text in `language`, else the first (3.0)."""
    if isinstance(value, list):
        texts = {each.get("language"): each.get("text") for each in value if isinstance(each, dict)}
        value = texts.get(language) or next(iter(texts.values()), None)
    return value if isinstance(value, str) and value else None
