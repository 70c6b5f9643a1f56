"""Presences of pseudonyms, counted per cell and bin and followed from bin to bin; only what may be published comes out.

A bin of a cell is published once, when `hold` has passed since its end. What belongs to it and comes later changes
nothing, for two versions of one count would tell who came between them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from adapters.privacy.guard import Privacy
from adapters.privacy.store import Publication, Stay
from adapters.privacy.suppress import published_counts, published_flows

HOUR = 3600
DAY = 24 * HOUR
LONGEST = timedelta(days=1)  # a session that lasts longer was never closed
CLOSED = "*"  # the destination of the ledger's entry that says that a bin's flows were told


class Presence(NamedTuple):
    """A pseudonym in a cell from `start` to `end` (the same instant when it was only heard once)."""

    cell: str
    pseudonym: str
    start: datetime
    end: datetime


class Residents(NamedTuple):
    """What is no visitor: there in at least `share` of the hours its cell heard anything, once these are `hours`."""

    share: float = 0.8
    hours: int = 4


class Crowd:
    """The counts and flows of one source. Bins are aligned to midnight in UTC, so those that divide 9 h to Japan's."""

    def __init__(self, privacy: Privacy, width: timedelta, residents: Residents | None) -> None:
        self._privacy, self._width, self._residents = privacy, int(width.total_seconds()), residents
        self._done: set[int] = set()  # bins closed, until something is added to them
        self._begun = False

    def tell(self, presences: Iterable[Presence], now: datetime, more: bool = False) -> list[Publication]:
        """Takes the presences in; returns what is published by now and not told yet, in the order of time.

        What was told of the bins concerned is told again in the same words, and once after each start what the last
        two days brought: the reader may have missed it. With `more` to come at once, nothing is told yet.
        """
        source, store, at = self._privacy.source, self._privacy.store, int(now.timestamp())
        stays = list(_stays(presences, self._width))
        touched = {stay.start for stay in stays}
        with store.transaction():
            store.add(source, stays)
            self._done -= touched
            if more:
                return []
            told = self._close(at)
            store.forget(source, at - DAY)
        told += store.published(source, starts=touched)
        if not self._begun:
            told += store.published(source, since=at - 2 * DAY)
            self._begun = True
        return sorted({each for each in told if each.destination != CLOSED}, key=lambda it: it[2:3] + it[:2])

    def _close(self, now: int) -> list[Publication]:
        privacy, told = self._privacy, []
        hold = int(privacy.profile.hold.total_seconds())
        stays = privacy.store.stays(privacy.source)
        due = sorted({stay.start for stay in stays if stay.start + self._width + hold <= now} - self._done)
        if not due:
            return []
        bins = _bins(stays, _residents(stays, self._residents))
        begun: dict[str, int] = {}
        for stay in stays:
            begun[stay.cell] = min(stay.start, begun.get(stay.cell, stay.start))
        for start in due:
            cells = [cell for cell, first in begun.items() if first <= start]
            told += self._publish_counts(start, {cell: len(bins[start].get(cell, ())) for cell in cells})
            if privacy.profile.flows and start - self._width in bins:
                told += self._publish_flows(start - self._width, bins[start - self._width], bins[start])
            self._done.add(start)
        return told

    def _publish_counts(self, start: int, counts: Mapping[str, int]) -> list[Publication]:
        k, finish = self._privacy.profile.k, start + self._width
        values = published_counts(counts, k)
        found = [Publication(cell, "", start, finish, value, k) for cell, value in values.items()]
        return self._privacy.store.publish(self._privacy.source, found)

    def _publish_flows(self, start: int, before: "Heard", after: "Heard") -> list[Publication]:
        store, source, k = self._privacy.store, self._privacy.source, self._privacy.profile.k
        finish = start + self._width
        if not store.publish(source, [Publication("", CLOSED, start, finish, None, k)]):
            return []
        left, reached = self._published_counts(start), self._published_counts(finish)
        shown = published_flows(left, reached, _flows(before, after), k)
        return store.publish(source, [Publication(*pair, start, finish, flow, k) for pair, flow in shown.items()])

    def _published_counts(self, start: int) -> dict[str, int]:
        entries = self._privacy.store.published(self._privacy.source, starts=[start])
        return {each.cell: each.value for each in entries if not each.destination and each.value is not None}


Heard = Mapping[str, Mapping[str, Stay]]  # cell -> pseudonym -> stay, of one bin


def _bins(stays: Iterable[Stay], residents: set[tuple[str, str]]) -> dict[int, dict[str, dict[str, Stay]]]:
    bins: dict[int, dict[str, dict[str, Stay]]] = defaultdict(lambda: defaultdict(dict))
    for stay in stays:
        heard = bins[stay.start]
        if (stay.cell, stay.pseudonym) not in residents:
            heard[stay.cell][stay.pseudonym] = stay
    return bins


def _flows(before: Heard, after: Heard) -> dict[tuple[str, str], int]:
    """How many went from the cell they were last heard in to another one they were first heard in."""
    left: dict[str, Stay] = {}
    reached: dict[str, Stay] = {}
    for stay in (stay for heard in before.values() for stay in heard.values()):
        if (known := left.get(stay.pseudonym)) is None or stay.last > known.last:
            left[stay.pseudonym] = stay
    for stay in (stay for heard in after.values() for stay in heard.values()):
        if (known := reached.get(stay.pseudonym)) is None or stay.first < known.first:
            reached[stay.pseudonym] = stay
    flows: dict[tuple[str, str], int] = defaultdict(int)
    for pseudonym, stay in left.items():
        if (there := reached.get(pseudonym)) is not None and there.cell != stay.cell:
            flows[stay.cell, there.cell] += 1
    return flows


def _residents(stays: Iterable[Stay], rule: Residents | None) -> set[tuple[str, str]]:
    """(cell, pseudonym) of what is there nearly always: printers, tills, the sensor's neighbour.

    In the real sample one such device makes 45 % of the rows. A cell heard in fewer hours than the rule asks for proves
    nothing.
    """
    if rule is None:
        return set()
    hours: dict[str, set[int]] = defaultdict(set)
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    for stay in stays:
        for hour in range(stay.first // HOUR, stay.last // HOUR + 1):
            hours[stay.cell].add(hour)
            seen[stay.cell, stay.pseudonym].add(hour)
    return {
        (cell, pseudonym)
        for (cell, pseudonym), present in seen.items()
        if len(hours[cell]) >= rule.hours and len(present) >= rule.share * len(hours[cell])
    }


def _stays(presences: Iterable[Presence], width: int) -> Iterator[Stay]:
    """Every presence in each bin it touches; of one pseudonym in one cell and bin a single stay."""
    found: dict[tuple[str, str, int], tuple[int, int]] = {}
    for each in presences:
        first, last = int(each.start.timestamp()), int(min(each.end, each.start + LONGEST).timestamp())
        for start in range(first // width * width, last + 1, width):
            key, stay = (each.cell, each.pseudonym, start), (max(first, start), min(last, start + width - 1))
            known = found.get(key, stay)
            found[key] = min(known[0], stay[0]), max(known[1], stay[1])
    return (Stay(*key, *stay) for key, stay in found.items())
