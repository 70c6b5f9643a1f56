"""Python's collector of cycles, made to run seldom."""

import gc


def spare(after: int = 50_000) -> None:
    """Look for cycles only `after` so many new objects; the more there are, the longer a look makes requests wait.

    Documents and readings are trees, freed by counting; to look among them as often as usual costs a sixth of a write.
    """
    gc.freeze()
    gc.set_threshold(after, 20, 50)
