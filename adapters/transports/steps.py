"""Documents whose URL holds a time: which of them are due, and which are still missing.

    {time:%Y%m%d%H%M}    the time of a step, in the format of strftime

Steps are counted from midnight of the source's zone. What was missed while nobody looked is caught up, the oldest
first, as far back as the bound allows; the state is kept in a file, so that a restart goes on where it ended.
"""

import logging
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from adapters.codecs.instants import moment
from adapters.contract import DecodeError
from adapters.disk import put, remembered

log = logging.getLogger(__name__)

_TIME = re.compile(r"\{time:([^{}]+)\}")


def is_template(url: str) -> bool:
    return _TIME.search(url) is not None


class Rhythm(NamedTuple):
    """Every how many seconds there is a document, in which zone its name counts, and whether midnight is 24:00."""

    step: float
    zone: timezone
    midnight_24: bool = False

    def last(self, at: datetime) -> datetime:
        """The last step up to `at`."""
        offset = self.zone.utcoffset(None).total_seconds()
        return datetime.fromtimestamp((at.timestamp() + offset) // self.step * self.step - offset, UTC)

    def url(self, template: str, at: datetime) -> str:
        local = at.astimezone(self.zone)

        def written(match: re.Match[str]) -> str:
            if self.midnight_24 and local.hour == 0:
                return (local - timedelta(days=1)).strftime(match[1].replace("%H", "24"))
            return local.strftime(match[1])

        return _TIME.sub(written, template)


class Steps:
    """The steps of one template, at most `bound` of them missing. The state is in `path`, if there is one."""

    def __init__(self, rhythm: Rhythm, bound: int, again: int = 0, path: Path | None = None) -> None:
        self._rhythm, self._bound, self._again, self._path = rhythm, bound, again, path
        self._newest: datetime | None = None
        self._missing: list[datetime] = []
        if state := path and remembered(path):
            self._newest = datetime.fromisoformat(state["newest"])
            self._missing = [datetime.fromisoformat(each) for each in state["missing"]]

    def advance(self, until: datetime) -> None:
        """Adds the steps up to `until`. Without a state only the last one is new: what lies before it is history."""
        newest, step = self._rhythm.last(until), timedelta(seconds=self._rhythm.step)
        if self._newest is not None and newest <= self._newest:
            return
        first = newest - (self._bound - 1) * step
        if self._newest is None:
            first = newest
        elif self._newest + step < first:
            log.warning("poll: steps before %s are out of reach", first.isoformat())
        else:
            first = self._newest + step
        count = round((newest - first) / step) + 1
        self._missing += [first + number * step for number in range(count)]
        self._newest = newest
        self._keep()

    @property
    def wanted(self) -> list[datetime]:
        """What is missing, and the last steps before the newest that are to be looked at again."""
        if self._newest is None:
            return []
        step = timedelta(seconds=self._rhythm.step)
        again = {self._newest - number * step for number in range(self._again + 1 if self._again else 0)}
        return sorted({*self._missing, *again})

    def done(self, at: datetime) -> None:
        """The broker has what the step's document said."""
        if at in self._missing:
            self._missing.remove(at)
            self._keep()

    def _keep(self) -> None:
        if len(self._missing) > self._bound:
            given_up = self._missing[: -self._bound]
            log.warning("poll: %d steps never came, the last of %s", len(given_up), given_up[-1].isoformat())
            self._missing = self._missing[-self._bound :]
        if self._path is None or self._newest is None:
            return
        missing = [each.isoformat() for each in self._missing]
        put(self._path, orjson.dumps({"newest": self._newest.isoformat(), "missing": missing}))


def told_time(body: bytes, zone: timezone) -> datetime:
    """The time a server calls its latest: the text itself, or the first time in a JSON object. Raises DecodeError."""
    text = body.decode("utf-8-sig", errors="replace").strip()
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    for each in value.values() if isinstance(value, dict) else (value,):
        try:
            return moment("latest", each, zone)
        except DecodeError:
            continue
    raise DecodeError("latest", text[:80], "holds no time")
