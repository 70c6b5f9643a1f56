"""Tasks that must end when they are asked to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def stops_when_asked(endlessly: Callable[[], Coroutine[Any, Any, None]], *, turns: int = 100) -> None:
    """What `endlessly` begins ends by one cancellation, whenever within its first milliseconds that comes."""
    for turn in range(turns):
        task = asyncio.create_task(endlessly())
        await asyncio.sleep(0.002 + turn / 50_000)
        asked = 0
        while not task.done():
            task.cancel()
            asked += 1
            await asyncio.wait({task}, timeout=0.5)
        assert asked == 1
