"""A cursor over the log: windows of events in the order of commits, without gaps."""

from collections.abc import Callable

from broker.store import log
from broker.store.db import Database
from ngsi.event import Event

WINDOW = 500


class Reader:
    """Reads forward from `position`; every event up to it has been handed out."""

    def __init__(
        self,
        database: Database,
        position: int,
        types: Callable[[], list[str] | None] = lambda: None,
        tenant: int | None = None,
    ) -> None:
        self.position = position
        self._database = database
        self._types = types
        self._tenant = tenant

    async def window(self, until: int | None = None) -> list[Event]:
        """The next events; `position` moves to where the next window begins, past what `types` leaves out.

        Empty when nothing of interest lies between `position` and `until` (default: the end of the log).
        """
        end = await log.head(self._database) if until is None else until
        if end <= self.position:
            return []
        events = await log.read(self._database, self.position, end, self._types(), self._tenant, WINDOW)
        self.position = events[-1].seq if len(events) == WINDOW else end
        return events
