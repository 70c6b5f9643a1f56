"""Names in the texts of a stored subscription, such as a type selection: IRIs, escaped where the text would part them.

An @context may give a name an IRI with a parenthesis, a comma or a semicolon, which are signs of the grammars that the
text is read by again.
"""

import re
from typing import Final
from urllib.parse import quote, unquote

from ngsi.jsonld import Context

_ESCAPED: Final = "escaped-iri:"
_SIGN: Final = re.compile(r"[()\[\],;]")


def stored(iri: str) -> str:
    """`iri` as it stands in a text."""
    return _ESCAPED + quote(iri, safe="") if _SIGN.search(iri) or iri.startswith(_ESCAPED) else iri


def meant(name: str) -> str:
    """The IRI that was `stored` as `name`."""
    return unquote(name.removeprefix(_ESCAPED)) if name.startswith(_ESCAPED) else name


class StoredNames(Context):
    """Expands the names of stored texts."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({}, (), {}, None)

    def expand(self, name: str) -> str:
        return meant(super().expand(name))
