"""/temporal/export (ours): the instances of a temporal query as a file, streamed: CSV, JSON Lines or Parquet."""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from broker.api import http, questions
from broker.api.evolutions import datasets, projection, shown_attributes
from broker.bulk.records import UnreadableFile
from broker.bulk.write import FILES, File, Record
from broker.store.export import Exported, batches
from broker.store.history import Wanted
from ngsi.errors import BadRequestData, OperationNotSupported, shown
from ngsi.jsonld import Context
from ngsi.query.temporal import parse_temporal
from ngsi.terms import KINDS, SCOPE

_FORMATS: Final = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


async def export(request: Request) -> Response:
    """All instances of a temporal query as one file: csv (the default), jsonl or parquet."""
    given = dict(http.parameters(request))
    media = http.accepts(request)
    if "format" in given:
        if given["format"] not in _FORMATS:
            raise BadRequestData(f"format: {shown(given['format'])} is not one of {', '.join(_FORMATS)}")
        media = _FORMATS[given["format"]]
    temporal = parse_temporal(given, needed=True)
    tenant = await http.tenant(request)
    context = await http.query_context(request)
    question = questions.question(http.broker(request).settings, given, context)
    wanted = Wanted(temporal, projection(given, context), shown_attributes(given, context), datasets(given))
    found = batches(http.broker(request).database, tenant, question, wanted)
    name = next(name for name, value in _FORMATS.items() if value == media)
    headers = {"Content-Disposition": f'attachment; filename="history.{name}"'}
    return StreamingResponse(_written(_file(media, http.flag(given, "bom")), found, context), 200, headers, media)


def _file(media: str, bom: bool) -> File:
    try:
        return FILES[media](bom)
    except UnreadableFile as error:
        raise OperationNotSupported(f"format: {error}") from None


async def _written(file: File, found: AsyncIterator[list[Exported]], context: Context) -> AsyncIterator[bytes]:
    async for batch in found:
        yield file.write(_record(item, context) for item in batch)
    yield file.close()


def _record(item: Exported, context: Context) -> Record:
    entity, iri, instance = item
    kind = instance["type"]
    record: dict[str, Any] = {
        "id": entity.id,
        "type": context.compact(entity.types[0]),
        "attribute": "scope" if iri == SCOPE else context.compact(iri),
        "value": instance[KINDS[kind].bearer],
        "observedAt": instance.get("observedAt") or instance["modifiedAt"],
    }
    for name in ("unitCode", "datasetId"):
        if name in instance:
            record[name] = instance[name]
    return record if kind == "Property" else record | {"kind": kind}
