"""The scope query (GS CIM 009, 4.19): `/A/B` that scope, `+` any one level, `/A/#` A and all below, `/#` any scope."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from ngsi.query.boolean import Node, Reader

_TOKEN: Final = re.compile(r"/?(?:(?:[^\W\d_]\w*|\+)(?:/(?:[^\W\d_]\w*|\+))*(?:/#)?|#)")
ONE_LEVEL: Final = "+"


@dataclass(frozen=True, slots=True)
class ScopePattern:
    """The levels of a scope, `+` for any one; with `below`, all scopes under it as well (`levels` may be empty)."""

    levels: tuple[str, ...]
    below: bool = False

    @property
    def scope(self) -> str | None:
        """The one scope that is meant, None when a wildcard means many."""
        return None if self.below or ONE_LEVEL in self.levels else "/" + "/".join(self.levels)

    @property
    def regex(self) -> str:
        """A regular expression that a scope with its leading slash matches; of letters, digits, `_` and `/` only."""
        levels = "".join("/[^/]+" if level == ONE_LEVEL else "/" + level for level in self.levels)
        return f"^{levels}{'(/.*)?' if self.below else ''}$"


ScopeQuery: TypeAlias = Node[ScopePattern]


def parse_scopes(text: str) -> ScopeQuery:
    """`text` as a scope query; quotation marks and a missing leading slash are forgiven. Raises BadRequestData."""
    if len(text) > 2 and text[0] == text[-1] == '"':
        text = text[1:-1]

    def term(reader: Reader[ScopePattern]) -> ScopePattern:
        match = _TOKEN.match(reader.text, reader.at)
        if match is None:
            raise reader.error("a scope such as /Level/Level, /+/Level or /Level/#")
        reader.at = match.end()
        levels = match.group().strip("/").split("/")
        below = levels[-1] == "#"
        return ScopePattern(tuple(levels[:-1] if below else levels), below)

    return Reader(text, "scopeQ", ",|", term).parse()
