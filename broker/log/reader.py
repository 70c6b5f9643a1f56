"""A cursor over the log: windows of events in the order of commits, without gaps."""

from collections.abc import Callable

from broker.store import log
from broker.store.db import Database
from ngsi.event import Event

WINDOW = 500
_END = 2**62


class Reader:
    """Reads forward from `position`; every event up to it has been handed out."""

    def __init__(
        self,
        database: Database,
        position: int,
        types: Callable[[], list[str] | None] = lambda: None,
        tenant: int | None = None,
        size: int = WINDOW,
    ) -> None:
        self.position = position
        self._database = database
        self._types = types
        self._tenant = tenant
        self._size = size

    async def window(self, until: int | None = None) -> list[Event]:
        """The next events; `position` moves to where the next window begins, past what `types` leaves out.

        Empty when nothing of interest lies between `position` and `until` (default: the end of the log).
        """
        if until is None:
            events = await self._read(_END)
            if events:
                self.position = events[-1].seq
                return events
            # the end must be known before what lies before it is looked at, or a commit in between is passed over
            until = await log.head(self._database)
        if until <= self.position:
            return []
        events = await self._read(until)
        self.position = events[-1].seq if len(events) == self._size else until
        return events

    async def _read(self, until: int) -> list[Event]:
        return await log.read(self._database, self.position, until, self._types(), self._tenant, self._size)
