"""What could not become an entity, kept by the broker with its raw bytes and the reason."""

import logging
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import orjson

from adapters.contract import Adapter, DecodeError, Message
from adapters.sink import Rejected, persistently
from models import zulu

log = logging.getLogger(__name__)

BEGINNING = 4096  # bytes kept of what is too large to keep


@dataclass(frozen=True, slots=True)
class Record:
    """One thing set aside.

    `metadata` says how to read `raw` again; its `kind` is message, row, entity, redacted or truncated.
    """

    source: str
    reason: str
    raw: bytes
    metadata: Mapping[str, str]
    tenant: str = ""


def of_error(source: str, adapter: Adapter, message: Message, error: DecodeError, tenant: str = "") -> Record:
    """The record of an undecodable message or row. Of a personal source only the shape of the bytes is kept."""
    kind = "message" if error.raw is None else "row"
    raw = message.body if error.raw is None else error.raw
    if adapter.personal:
        reason = f"{error.field}: a value of the shape {shape(str(error.value)[:40])!r} {error.rule}"
        return Record(source, reason, shape_of(raw), _metadata(adapter, message, "redacted"), tenant)
    return Record(source, str(error), raw, _metadata(adapter, message, kind), tenant)


def of_rejection(source: str, adapter: Adapter, message: Message, rejected: Rejected, tenant: str = "") -> Record:
    """The record of an entity the broker refused: the entity itself, which holds nothing a decoder has to hide."""
    metadata = _metadata(adapter, message, "entity")
    return Record(source, rejected.reason, orjson.dumps(rejected.entity), metadata, tenant)


def shape(text: str) -> str:
    """`text` with every digit as 9 and every other letter as x: what it looks like, and nothing of what it says."""
    return "".join("9" if each.isdigit() else "x" if each.isalpha() else each for each in text)


def shape_of(raw: bytes, most: int = 2000) -> bytes:
    """The shape of the first `most` bytes; bytes that are no UTF-8 become `?`."""
    return shape(raw[:most].decode("utf-8", errors="replace")).replace("\ufffd", "?").encode()


def _metadata(adapter: Adapter, message: Message, kind: str) -> dict[str, str]:
    return {
        "adapter": adapter.name,
        "kind": kind,
        # The name of a file may hold a person's id just as its rows do.
        "topic": shape(message.topic) if adapter.personal else message.topic,
        "receivedAt": zulu(message.received_at),
    }


class Quarantine:
    """The broker's quarantine over HTTP."""

    def __init__(self, client: httpx.AsyncClient, broker_url: str) -> None:
        self._client = client
        self._url = broker_url.rstrip("/") + "/admin/quarantine"

    async def put(self, record: Record, patience: float = math.inf) -> int:
        """Stores the record, however long it takes; returns its id.

        A record the broker finds too large is stored with the beginning of its bytes. Raises httpx.HTTPStatusError when
        the broker will never take it (the message then stays unacknowledged), and BrokerAway after `patience` seconds.
        """
        log.warning("%s: set aside, %s", record.source, record.reason)
        response = await self._post(record, patience)
        if response.status_code == 413 and len(record.raw) > BEGINNING:
            metadata = {**record.metadata, "kind": "truncated", "size": str(len(record.raw))}
            response = await self._post(replace(record, raw=record.raw[:BEGINNING], metadata=metadata), patience)
        response.raise_for_status()
        return int(response.json()["id"])

    async def _post(self, record: Record, patience: float) -> httpx.Response:
        body = {
            "source": record.source,
            "reason": record.reason,
            "raw": b64encode(record.raw).decode(),
            "metadata": dict(record.metadata),
        }
        headers = _headers(record.tenant)
        return await persistently(lambda: self._client.post(self._url, json=body, headers=headers), patience)

    async def list(self, source: str | None, limit: int, offset: int, tenant: str = "") -> list[dict[str, Any]]:
        """Records without their bytes, newest first."""
        params: dict[str, str | int] = {"limit": limit, "offset": offset} | ({"source": source} if source else {})
        response = await self._client.get(self._url, params=params, headers=_headers(tenant))
        return list(_told(response))

    async def show(self, number: int, tenant: str = "") -> dict[str, Any]:
        """One record with its raw bytes under `raw` (decoded). Raises LookupError when there is none."""
        response = await self._client.get(f"{self._url}/{number}", headers=_headers(tenant))
        if response.status_code == 404:
            raise LookupError(f"quarantine holds no record {number}")
        record: dict[str, Any] = _told(response)
        return record | {"raw": b64decode(record["raw"])}

    async def mark_replayed(self, number: int, tenant: str = "") -> None:
        answer = await self._client.post(f"{self._url}/{number}/replayed", headers=_headers(tenant))
        answer.raise_for_status()


def _told(response: httpx.Response) -> Any:
    """Raises httpx.HTTPError for an error, and for what is no JSON: then some other server answers."""
    response.raise_for_status()
    try:
        return response.json()
    except ValueError as error:
        raise httpx.DecodingError(
            f"{response.url} gives no JSON, so it is no broker", request=response.request
        ) from error


def _headers(tenant: str) -> dict[str, str]:
    return {"NGSILD-Tenant": tenant} if tenant else {}


def message_of(record: Mapping[str, Any]) -> Message:
    """The message a shown record was made from."""
    metadata = record["metadata"]
    return Message(record["raw"], datetime.fromisoformat(metadata["receivedAt"]), metadata.get("topic", ""))
