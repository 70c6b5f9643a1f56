"""The body of a request, read within bounds: size, compression, JSON, depth, numbers (GS CIM 009, 6.3.2, 6.3.4)."""

import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException

from ngsi.errors import InvalidRequest
from ngsi.json_text import check_text

_GZIP: Final = 31  # zlib's number for: a gzip header, the largest window


async def read(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """The whole body, unpacked when `encoding` is gzip. Raises 413 (over `limit` bytes, packed or not), 415."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    if encoding in ("", "identity"):
        return bytes(data)
    if encoding not in ("gzip", "x-gzip"):
        raise HTTPException(415, headers={"Accept-Encoding": "gzip"})
    return _unpacked(bytes(data), limit)


def too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {limit} bytes (BROKER_MAX_BODY)")


def _unpacked(data: bytes, limit: int) -> bytes:
    """`data` without gzip; never more than `limit` bytes are made of it, however small it is."""
    whole = bytearray()
    try:
        while data:  # a gzip body may have several members
            member = zlib.decompressobj(_GZIP)
            whole += member.decompress(data, limit + 1 - len(whole))
            if len(whole) > limit:
                raise too_large(limit)
            if not member.eof:
                raise InvalidRequest("Content-Encoding: the gzip body ends too early")
            data = member.unused_data
    except zlib.error as error:
        raise InvalidRequest(f"Content-Encoding: the body is not gzip ({error})") from None
    return bytes(whole)


def parse(data: bytes, max_depth: int) -> Any:
    """The JSON of `data`. Raises InvalidRequest (not JSON, empty), BadRequestData (too deep, U+0000, an integer that
    would lose digits)."""
    if not data.strip():
        raise InvalidRequest("the body is empty")
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    check_text(data, max_depth, "the body", " (BROKER_MAX_DEPTH)")
    return content
