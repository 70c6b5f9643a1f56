"""The body of a request, read within bounds: size, compression, JSON, depth, numbers (GS CIM 009, 6.3.2, 6.3.4)."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException

from ngsi.errors import BadRequestData, InvalidRequest
from ngsi.integers import check_integers

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_GZIP: Final = 31  # zlib's number for: a gzip header, the largest window
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


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
    if b"\\u0000" in data and _NUL.search(data):
        raise BadRequestData("the body holds the character U+0000, which cannot be stored")
    if too_deep(data, max_depth):
        raise BadRequestData(f"the body is nested deeper than {max_depth} levels (BROKER_MAX_DEPTH)")
    check_integers(data)
    return content


def too_deep(data: bytes, limit: int) -> bool:
    """Whether the JSON text `data` (valid) nests arrays and objects deeper than `limit`.

    Told from the brackets alone, level by level from the innermost, without a walk in Python.
    """
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(data.split(b'"')[::2]).translate(None, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = _without_innermost(brackets)
    return bool(brackets)


def _without_innermost(brackets: bytes) -> bytes:
    # both kinds in one pass: what stands side by side after it was on one level before it
    return brackets.replace(b"{}", b"  ").replace(b"[]", b"  ").replace(b" ", b"")
