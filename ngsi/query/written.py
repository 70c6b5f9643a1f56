"""Queries as they stand in documents: percent-encoded by some clients, shown again with the reader's names (4.9)."""

from collections.abc import Callable
from urllib.parse import unquote

import orjson

from ngsi.errors import BadRequestData
from ngsi.jsonld import Context
from ngsi.query.q import Query, names_in, parse_q, stands_alone


def parse_written(
    text: str, context: Context, expand_values: frozenset[str] = frozenset(), field: str = "q"
) -> tuple[str, Query]:
    """A query of a body: its text as it was meant, and what `parse_q` makes of it.

    Clients percent-encode it there too, as if it stood in a URL. It is decoded when its quotation marks are encoded, or
    when it makes sense only then. Raises as `parse_q` does.
    """
    meant = unquote(text) if "%22" in text and '"' not in text else text
    try:
        return meant, parse_q(meant, context, expand_values, field)
    except BadRequestData as error:
        decoded = unquote(meant)
        if decoded == meant:
            raise
        try:
            return decoded, parse_q(decoded, context, expand_values, field)
        except BadRequestData:
            raise error from None


def renamed(text: str, context: Context, name_of: Callable[[str], str], field: str = "q") -> str:
    """`text`, which `context` gives its meaning, with `name_of` each name in it; its values stay as they are.

    Raises as `parse_q` does.
    """
    for start, end in reversed(names_in(text, context, field)):
        quoted = text[start] == '"'
        name = name_of(orjson.loads(text[start:end]) if quoted else text[start:end])
        if quoted or not stands_alone(name):
            name = orjson.dumps(name).decode()
        text = text[:start] + name + text[end:]
    return text
