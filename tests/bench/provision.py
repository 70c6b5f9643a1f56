"""Writes: batches, single creations, single updates; entity, history and log included."""

from tests.bench.city import UPSERT, batch, entity_id
from tests.bench.ground import ground
from tests.bench.load import load, request


async def measure(seconds: float) -> None:
    batches = [request("POST", UPSERT, batch(turn % 20 * 100, turn=turn)) for turn in range(400)]
    async with ground() as at:
        await load(at.base, lambda i: batches[i % len(batches)], connections=4, seconds=seconds)
        for connections in (2, 4):
            found = await load(at.base, lambda i: batches[i % len(batches)], connections=connections, seconds=seconds)
            named = f"batch upsert, 100 entities x 10 attributes, {connections} connections"
            print(f"{named}: {found.rate * 100:,.0f} entities/s")
            print(f"    {found}")
        print(f"create, 32 connections: {await load(at.base, _create, connections=32, seconds=seconds)}")
        print(f"patch of one attribute, 32 connections: {await load(at.base, _patch, connections=32, seconds=seconds)}")
        print(f"memory of the broker: {at.memory()} MB")


def _create(i: int) -> bytes:
    return request(
        "POST", "/ngsi-ld/v1/entities", b'{"id":"urn:x:%d","type":"One","a":{"type":"Property","value":%d}}' % (i, i)
    )


def _patch(i: int) -> bytes:
    return request("PATCH", f"/ngsi-ld/v1/entities/{entity_id(i % 2000)}/attrs/a1", b'{"value":%d}' % i)
