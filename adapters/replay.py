"""Reads a record of the quarantine again, with today's decoder, and stores what it says now."""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import orjson

from adapters.contract import Adapter, DecodeError, Restricted, Whole
from adapters.precedence import standing
from adapters.quarantine import Quarantine, message_of
from adapters.registry import load
from adapters.settings import AdapterSettings
from adapters.sink import Sink
from adapters.sources import Declaration, decoder, provenance, read
from adapters.surroundings import surroundings

# kinds of record whose bytes are not all there
LOST = {
    "redacted": "of a personal source only the shape is kept",
    "truncated": "it was too large to be kept whole",
}


class ReplayError(Exception):
    """A record that still cannot be stored, and why."""


async def replay(
    settings: AdapterSettings, numbers: Sequence[int], tell: Callable[[str], None], tenant: str = ""
) -> None:
    """Replays records of a tenant in turn and marks each as replayed. Raises ReplayError at the first that fails."""
    declarations = {each.name: each for each in read(settings)}
    async with httpx.AsyncClient(timeout=settings.timeout) as client:
        quarantine, sink = Quarantine(client, settings.broker_url), Sink(client, settings.broker_url)
        for number in numbers:
            record = await quarantine.show(number, tenant)
            declaration = declarations.get(record["source"])
            if declaration is None:
                raise ReplayError(f"record {number}: no source {record['source']} is declared")
            adapter = load(declaration.adapter)
            entities = await asyncio.to_thread(_entities, number, record, declaration, adapter, settings)
            if adapter.settled is not None:
                entities = await standing(sink, entities, adapter.settled, declaration.tenant, math.inf)
            if refused := await sink.post(entities, declaration.tenant):
                raise ReplayError(f"record {number}: {refused[0].reason}")
            await quarantine.mark_replayed(number, tenant)
            tell(f"record {number}: {len(entities)} entities stored")


def _entities(
    number: int, record: Mapping[str, Any], declaration: Declaration, adapter: Adapter, settings: AdapterSettings
) -> list[dict[str, Any]]:
    kind = record["metadata"].get("kind")
    if kind in LOST:
        raise ReplayError(f"record {number}: {LOST[kind]}; drop the corrected file again")
    if kind == "entity":
        return [orjson.loads(record["raw"])]
    return list(_decoded(number, record, declaration, adapter, settings))


def _decoded(
    number: int, record: Mapping[str, Any], declaration: Declaration, adapter: Adapter, settings: AdapterSettings
) -> Iterator[dict[str, Any]]:
    decode, origin = decoder(declaration, adapter, surroundings(settings)), provenance(declaration)
    try:
        for item in decode(message_of(record)):
            if isinstance(item, DecodeError):
                raise item
            # Raw data of a personal source is never replayed, and what comes again alone is no whole list.
            if not isinstance(item, Restricted | Whole):
                entity = item.to_ngsi()
                origin.stamp(entity)
                yield entity
    except DecodeError as error:
        raise ReplayError(f"record {number}: still {error}") from error
