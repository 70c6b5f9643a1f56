"""Which media type an answer has (GS CIM 009, 6.3.4, 6.3.6; RFC 9110, 12.5.1)."""

import re
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
LD: Final = "application/ld+json"
GEO: Final = "application/geo+json"

# what operations offer, in the standard's order of preference
JSON_ONLY: Final = (JSON,)
CONTEXTUAL: Final = (JSON, LD)
ENTITIES: Final = (JSON, LD, GEO)

_WEIGHT: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


@lru_cache(maxsize=1024)
def negotiate(accept: str, offered: tuple[str, ...]) -> str | None:
    """The media type of `offered` that header `accept` prefers; the earlier one when it is indifferent.

    None when it takes none of them. No header (an empty string) takes everything.
    """
    if not accept.strip():
        return offered[0]
    ranges = _ranges(accept)
    best, most = None, 0.0
    for media in offered:
        weight = _weight(media, ranges)
        if weight > most:
            best, most = media, weight
    return best


def _ranges(header: str) -> dict[str, float]:
    """Media range to weight. A weight that is none counts as 1; other parameters are passed over."""
    ranges: dict[str, float] = {}
    for part in header.split(","):
        media, *extras = [item.strip().lower() for item in part.split(";")]
        given = next((extra[2:].strip() for extra in extras if extra.startswith("q=")), "1")
        if media:
            ranges[media] = float(given) if _WEIGHT.fullmatch(given) else 1.0
    return ranges


def _weight(media: str, ranges: dict[str, float]) -> float:
    """The weight of the most specific range that `media` is in."""
    for name in (media, media.partition("/")[0] + "/*", "*/*", "*"):
        if name in ranges:
            return ranges[name]
    return 0.0


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether header Accept-Encoding allows gzip."""
    ranges = _ranges(accept_encoding)
    return ranges.get("gzip", ranges.get("x-gzip", ranges.get("*", 0.0))) > 0
