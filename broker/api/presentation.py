"""The parameters that say how entities are shown (GS CIM 009, 4.5.1, 4.5.4, 6.3.7)."""

from collections.abc import Mapping
from typing import Final

from broker.api import http
from broker.api.questions import attribute_names
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.representation import Format, Representation

PARAMETERS: Final = frozenset({"options", "format", "sysAttrs", "attrs", "local"})
_FORMATS: Final[dict[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}


def representation(given: Mapping[str, str], context: Context) -> Representation:
    chosen = http.options(given, frozenset({*_FORMATS, "sysAttrs"}))
    name = given.get("format") or next((item for item in _FORMATS if item in chosen), "normalized")
    if name not in _FORMATS:
        raise BadRequestData(f"format: {shown(name)} is not one of {', '.join(_FORMATS)}")
    attributes = attribute_names(given, context)
    sys_attrs = "sysAttrs" in chosen or http.flag(given, "sysAttrs")
    return Representation(_FORMATS[name], sys_attrs, frozenset(attributes) if attributes else None)
