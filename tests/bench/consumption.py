"""Questions about current state, over 100,000 entities of mixed types."""

import os
from urllib.parse import quote

from tests.bench.city import UPSERT, batch, entity_id
from tests.bench.ground import ground
from tests.bench.load import load, request

ENTITIES = int(os.environ.get("BENCH_ENTITIES", "100000"))
_V1 = "/ngsi-ld/v1"
_NEAR = "georel=near;maxDistance==3000&geometry=Point&coordinates=" + quote("[136.65,36.56]")

# what is measured, path, connections
_QUESTIONS = (
    ("retrieve by id", None, 32),
    ("type and selective q, limit 100", f"{_V1}/entities?type=Vehicle&q=number%3E={ENTITIES - 500}&limit=100", 1),
    ("type and q on a reading, limit 100", f"{_V1}/entities?type=Vehicle&q=a1%3E99.5&limit=100", 1),
    ("q, limit 100", f"{_V1}/entities?type=Vehicle&q=a1%3E50&limit=100", 8),
    ("near, limit 100", f"{_V1}/entities?type=Vehicle&{_NEAR}&limit=100", 8),
    ("near alone, limit 100", f"{_V1}/entities?{_NEAR}&limit=100", 1),
    ("types with details", f"{_V1}/types?details=true", 1),
    ("count of a type", f"{_V1}/entities?type=Device&count=true&limit=0", 1),
    ("count of q", f"{_V1}/entities?type=Device&q=a2%3E50&count=true&limit=0", 1),
)


async def measure(seconds: float) -> None:
    async with ground() as at:
        fill = [request("POST", UPSERT, batch(first, 500)) for first in range(0, ENTITIES, 500)]
        filled = iter(fill)
        found = await load(at.base, lambda _: next(filled, fill[0]), connections=2, seconds=len(fill) * 0.25)
        print(f"{ENTITIES:,} entities stored: {found.rate * 500:,.0f} entities/s; broker {at.memory()} MB")
        for name, path, connections in _QUESTIONS:
            result = await load(
                at.base,
                lambda i, path=path: request("GET", path or f"{_V1}/entities/{entity_id(i % ENTITIES)}"),  # type: ignore[misc]
                connections=connections,
                seconds=seconds,
            )
            print(f"{name}, {connections} connections: {result}")
        print(f"memory of the broker: {at.memory()} MB")
