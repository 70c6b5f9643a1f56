"""Which adapters there are: entry points of the group `yukitsuri.adapters`, built-in and third-party alike."""

from importlib.metadata import EntryPoint, entry_points

from adapters.contract import Adapter

GROUP = "yukitsuri.adapters"


class BrokenAdapter(LookupError):
    """An entry point that leads to no adapter, and why."""


def published() -> dict[str, EntryPoint]:
    """Name to entry point; nothing is imported yet."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(name: str) -> Adapter:
    """The adapter of that name. Raises LookupError naming the known ones, BrokenAdapter when its module fails."""
    points = published()
    if name not in points:
        raise LookupError(f"no adapter {name!r}; installed are: {', '.join(sorted(points)) or 'none'}")
    try:
        adapter = points[name].load()
    except Exception as error:  # somebody else's module may raise anything, and the other adapters run on
        raise BrokenAdapter(f"adapter {name!r} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(adapter, Adapter):
        raise BrokenAdapter(f"entry point {name!r} in group {GROUP} is no adapters.contract.Adapter")
    return adapter
