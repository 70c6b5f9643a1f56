"""Which counts and flows may be published, so that neither they nor their differences tell of fewer than k persons.

Counts are per cell and bin; a flow is how many of the persons of one cell in one bin are in another cell in the next.
Counts are therefore the sums of the flow table: whoever knows both can subtract. Two rules:

primary        a count or a flow below k is withheld, 0 included
complementary  what remains of a published count after its published flows are subtracted is at least k, else the
               smallest of these flows is withheld too

From this follows, for every withheld flow, that all values from 0 to k - 1 would have led to the same publication: no
sum binds it, for the rest of its row and of its column are each at least k, and persons may also go nowhere.
"""

from collections.abc import Mapping

Cell = str
Counts = Mapping[Cell, int]
Flows = Mapping[tuple[Cell, Cell], int]


def published_counts(counts: Counts, k: int) -> dict[Cell, int | None]:
    """The counts of one bin; None for what is withheld."""
    return {cell: count if count >= k else None for cell, count in counts.items()}


def published_flows(origins: Counts, destinations: Counts, flows: Flows, k: int) -> dict[tuple[Cell, Cell], int]:
    """The flows that may be published beside the counts of the bin they leave and of the bin they reach."""
    shown = {pair: flow for pair, flow in flows.items() if flow >= k}
    while weak := _weak(origins, destinations, shown, k):
        del shown[weak]
    return shown


def _weak(origins: Counts, destinations: Counts, shown: Flows, k: int) -> tuple[Cell, Cell] | None:
    """The smallest flow of some row or column whose rest is below k."""
    for end, totals in ((0, origins), (1, destinations)):
        for cell in {pair[end] for pair in shown}:
            line = [pair for pair in shown if pair[end] == cell]
            if totals.get(cell, 0) - sum(shown[pair] for pair in line) < k:
                return min(line, key=lambda pair: (shown[pair], pair))
    return None
