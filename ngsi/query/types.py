"""Type selection (GS CIM 009, 4.17): `A,B` or `A|B` any of them, `(A;B)` both, `*` every type."""

import re
from collections.abc import Collection
from typing import Final, TypeAlias

from ngsi.jsonld import Context
from ngsi.names import type_name
from ngsi.query.boolean import All, Any_, Node, Reader

TypeSelection: TypeAlias = Node[str]
EVERY_TYPE: Final = "*"
_TOKEN: Final = re.compile(r"[^\s,|;()]+")


def parse_types(text: str, context: Context) -> TypeSelection | None:
    """`text` with every name as an IRI; None for `*`. Raises BadRequestData."""
    if text.strip() == EVERY_TYPE:
        return None

    def term(reader: Reader[str]) -> str:
        match = _TOKEN.match(reader.text, reader.at)
        if match is None:
            raise reader.error("a type name")
        reader.at = match.end()
        return context.expand(type_name(match.group()))

    return Reader(text, "type", ",|", term).parse()


def selects(selection: TypeSelection | None, types: Collection[str]) -> bool:
    """True when an entity of `types` (IRIs) is selected."""
    if selection is None:
        return True
    if isinstance(selection, Any_):
        return any(selects(part, types) for part in selection.parts)
    if isinstance(selection, All):
        return all(selects(part, types) for part in selection.parts)
    return selection in types
