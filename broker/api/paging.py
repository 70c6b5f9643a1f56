"""Links to the neighbouring pages of a list (GS CIM 009, 5.5.9, 6.3.10)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request

from broker.api import http
from ngsi.query.entities import Page


def page_links(request: Request, given: Mapping[str, str], page: Page, *, more: bool) -> str:
    """The Link header's value; `more` says whether anything follows the page. Empty when there is one page only."""
    links = []
    if page.limit and page.offset:
        links.append(("prev", max(0, page.offset - page.limit)))
    if page.limit and more:
        links.append(("next", page.offset + page.limit))
    path = request.scope["path"]
    return ", ".join(
        f'<{path}?{urlencode({**given, "limit": page.limit, "offset": offset})}>;rel="{rel}";type="{http.LD}"'
        for rel, offset in links
    )
