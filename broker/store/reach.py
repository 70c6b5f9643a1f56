"""How far back the last instances of series were found, as the last answer had it.

Who asks for the newest hundred asks again: looked for since that instant, they spare the server all older chunks.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

_KEPT: Final = 10_000  # questions
_WIDEST: Final = 50  # series of a question that is kept

Fetch = Callable[[datetime | None], Awaitable[Sequence[Any]]]


class Reach:
    """Instants by question, of the latest questions."""

    def __init__(self) -> None:
        self._since: OrderedDict[tuple[Any, ...], datetime] = OrderedDict()

    async def newest(self, series: Sequence[Any], last: int, full: int, fetch: Fetch) -> Sequence[Any]:
        """The rows that `fetch` gives, newest first: of those since an instant, when these are `full`, or of all."""
        if len(series) > _WIDEST:
            return await fetch(None)
        key = (last, *series)
        since = self._since.pop(key, None)
        rows = await fetch(since)
        if since is not None and len(rows) < full:
            rows = await fetch(None)
        if rows and len(rows) == full:
            self._keep(key, rows[-1]["at"])
        return rows

    def _keep(self, key: tuple[Any, ...], since: datetime) -> None:
        self._since[key] = since
        if len(self._since) > _KEPT:
            self._since.popitem(last=False)
