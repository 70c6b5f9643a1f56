"""JSON documents as servers and people send them: with or without a byte order mark, in UTF-8 or what Windows makes."""

from typing import Any

import orjson

from adapters.codecs.table import text_of
from adapters.contract import DecodeError


def parsed(body: bytes, field: str = "document") -> Any:
    """What the JSON says. Raises DecodeError naming `field`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        fault = error
    try:
        return orjson.loads(text_of(body).lstrip("\ufeff"))
    except (orjson.JSONDecodeError, DecodeError):
        raise DecodeError(field, body[:40], f"is no JSON: {fault}") from None


def parsed_object(body: bytes, field: str = "document") -> dict[str, Any]:
    """The same for what must be an object. Raises DecodeError."""
    page = parsed(body, field)
    if not isinstance(page, dict):
        raise DecodeError(field, body[:40], "is no JSON object")
    return page
