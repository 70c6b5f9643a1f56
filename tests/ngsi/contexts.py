"""Compiled @contexts for tests: the bundled core context under some user terms."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from ngsi.jsonld import Context, compile_context


@lru_cache
def core() -> dict[str, Any]:
    text = files("ngsi").joinpath("contexts", "ngsi-ld-core-context-v1.9.jsonld").read_bytes()
    core: dict[str, Any] = orjson.loads(text)["@context"]
    return core


def context(**terms: str) -> Context:
    return compile_context([terms] if terms else [], core(), terms or None)
