"""Writes: batches, single creations, single updates; entity, history and log included."""

from tests.bench.city import UPSERT, batch, entity_id
from tests.bench.ground import ground
from tests.bench.load import load, request

_WARM = 70.0  # seconds
_RUNS = ((4, "new"), (4, ""), (3, "used"), (4, "used"))  # connections, database


async def measure(seconds: float) -> None:
    batches = _Batches()
    async with ground() as at:
        # a new database makes its first gigabyte of WAL file by file, and every write waits for that
        for connections, age in _RUNS:
            found = await load(at.base, batches, connections=connections, seconds=seconds if age else _WARM)
            if age:
                named = f"batch upsert, 100 entities x 10 attributes, {connections} connections, {age} database"
                print(f"{named}: {found.rate * 100:,.0f} entities/s")
                print(f"    {found}")
        print(f"create, 32 connections: {await load(at.base, _create, connections=32, seconds=seconds)}")
        print(f"patch of one attribute, 32 connections: {await load(at.base, _patch, connections=32, seconds=seconds)}")
        print(f"memory of the broker: {at.memory()} MB")


class _Batches:
    """Requests one after the other, for 24,000 of them no reading twice."""

    def __init__(self) -> None:
        self._bodies = [request("POST", UPSERT, batch(turn % 20 * 100, turn=turn)) for turn in range(400)]
        self._sent = 0

    def __call__(self, _: int) -> bytes:
        turn, place = divmod(self._sent, len(self._bodies))
        self._sent += 1
        return self._bodies[place].replace(b":00Z", b":%02dZ" % (turn % 60))


def _create(i: int) -> bytes:
    return request(
        "POST", "/ngsi-ld/v1/entities", b'{"id":"urn:x:%d","type":"One","a":{"type":"Property","value":%d}}' % (i, i)
    )


def _patch(i: int) -> bytes:
    return request("PATCH", f"/ngsi-ld/v1/entities/{entity_id(i % 2000)}/attrs/a1", b'{"value":%d}' % i)
