"""The Link header that names a @context (GS CIM 009, 6.3.5, 6.3.6; RFC 8288): written strictly, read leniently."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from ngsi.errors import BadRequestData, shown

RELATION: Final = "http://www.w3.org/ns/json-ld#context"
_NAME: Final = RELATION.removeprefix("http://").lower()
_PARAMETERS: Final = f'; rel="{RELATION}"; type="application/ld+json"'
_OF_URIS: Final = ":/?#[]@!$&'()*+,;=%~"  # beside letters, digits and -._ (RFC 3986, 2.2)
# Quotes and brackets that were forgotten are forgiven, and a relation when there is no other link it could be.
# Nothing here looks at one part of the header twice, for anyone may send a long one.
_REL: Final = re.compile(rf"\brel\s*=\s*[\"']?(?:[^\"'<>,;]{{0,100}}\s)?https?://{re.escape(_NAME)}\b", re.IGNORECASE)
_TARGET: Final = re.compile(r"<([^<>\s]+)>|<(https?://[^<>;,\s]+)", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[<>;,\s]+")
_LONE: Final = re.compile(r"\s*(?:<([^<>\s]+)>|(https?://[^<>;,\s]+))\s*(?:;\s*type\s*=[^;,]*)?", re.IGNORECASE)


def written(url: str) -> str:
    """The link to the @context at `url`, which may be an IRI."""
    return f"<{quote(url, safe=_OF_URIS, errors='replace')}>{_PARAMETERS}"


def read(headers: Iterable[str]) -> str | None:
    """The URL of the @context that Link headers name; None when they name none.

    Raises BadRequestData for a link to a @context without a URL, and for several (JSON-LD 1.1, 6.2).
    """
    urls: list[str] = []
    for header in headers:
        lone = _LONE.fullmatch(header)
        found = [*_related(header)] or ([lone[1] or lone[2]] if lone else [])
        if not found and _NAME in header.lower():
            raise BadRequestData(f"Link: {shown(header)} names no URL of a @context")
        urls += found
    if len(set(urls)) > 1:
        raise BadRequestData(f"Link: a request has one @context, not {', '.join(map(shown, urls))}")
    return urls[0] if urls else None


def _related(header: str) -> Iterator[str]:
    """The targets of the links with the relation: of each, the last one before it."""
    start = 0
    for relation in _REL.finditer(header):
        opened = header.rfind("<", start, relation.start())
        if opened >= 0:
            target = _TARGET.match(header, opened, relation.start())
            if target is not None:
                yield target[1] or target[2]
        else:
            words = _BETWEEN.split(header[start : relation.start()])
            yield from [word for word in words if word.lower().startswith(("http://", "https://"))][:1]
        start = relation.end()
