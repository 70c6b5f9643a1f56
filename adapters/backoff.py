"""How long to wait before trying again: doubling, bounded, with jitter so that sources do not march in step."""

import random
from collections.abc import Iterator


def delays(first: float = 0.2, longest: float = 30.0) -> Iterator[float]:
    """Seconds to wait, endlessly: `first`, doubled up to `longest`, each shortened by up to a half."""
    ceiling = first
    while True:
        yield ceiling * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
        ceiling = min(ceiling * 2, longest)
