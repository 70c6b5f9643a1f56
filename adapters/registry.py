"""Which adapters there are: entry points of the group `yukitsuri.adapters`, built-in and third-party alike."""

from importlib.metadata import EntryPoint, entry_points

from adapters.contract import Adapter

GROUP = "yukitsuri.adapters"


def published() -> dict[str, EntryPoint]:
    """Name to entry point; nothing is imported yet."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(name: str) -> Adapter:
    """The adapter of that name. Raises LookupError naming the known ones, TypeError when it is no Adapter."""
    points = published()
    if name not in points:
        raise LookupError(f"no adapter {name!r}; installed are: {', '.join(sorted(points)) or 'none'}")
    adapter = points[name].load()
    if not isinstance(adapter, Adapter):
        raise TypeError(f"entry point {name!r} in group {GROUP} is no adapters.contract.Adapter")
    return adapter
