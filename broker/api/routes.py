"""Which operation a path means: a tree of segments, so that a long table costs no more than a short one."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from ngsi.errors import BadRequestData, shown

Target = TypeVar("Target")
_OPEN = "{"


@dataclass(slots=True)
class _Node(Generic[Target]):
    words: dict[str, "_Node[Target]"] = field(default_factory=dict)
    variable: "_Node[Target] | None" = None
    leaf: "tuple[tuple[str, ...], Target] | None" = None  # names of the variables, and what the path means


class Routes(Generic[Target]):
    """Paths with variables, such as /entities/{id}/attrs/{attr}; `{no:int}` takes digits only.

    Paths are matched as they came, before percent-decoding, so that an encoded slash never divides. Slashes at the
    end and doubled ones mean nothing. A variable may also hold plain slashes (`/entities/http://a.example/1`), where
    the words of the path leave no doubt.
    """

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()
        self._patterns: list[tuple[tuple[str, ...], Target]] = []

    def add(self, path: str, target: Target) -> None:
        """Let `path` mean `target`."""
        tokens = tuple(filter(None, path.split("/")))
        node = self._root
        for token in tokens:
            if token.startswith(_OPEN):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.words.setdefault(token, _Node())
        node.leaf = (tuple(token for token in tokens if token.startswith(_OPEN)), target)
        self._patterns.append((tokens, target))
        # where several fit: the one with more words, then the one with fewer variables
        self._patterns.sort(key=lambda it: (-sum(not token.startswith(_OPEN) for token in it[0]), len(it[0])))

    def find(self, raw_path: str) -> tuple[Target, dict[str, Any]] | None:
        """What `raw_path` means, and its variables, decoded once; None when it means nothing.

        Raises BadRequestData for a variable that is not percent-encoded UTF-8.
        """
        node: _Node[Target] | None = self._root
        values: list[str] = []
        for segment in raw_path.split("/"):
            if not segment:
                continue
            assert node is not None
            known = node.words.get(segment)
            if known is None:
                known = node.variable
                values.append(segment)
            if known is None:
                return self._search(raw_path)
            node = known
        assert node is not None
        return self._search(raw_path) if node.leaf is None else _found(node.leaf[0], values, node.leaf[1])

    def _search(self, raw_path: str) -> tuple[Target, dict[str, Any]] | None:
        parts = raw_path.split("/")
        for tokens, target in self._patterns:
            values = _match(tokens, parts)
            if values is not None:
                return _found(tuple(token for token in tokens if token.startswith(_OPEN)), values, target)
        return None


def _match(tokens: tuple[str, ...], parts: list[str]) -> list[str] | None:
    """The variables' values when `parts` fit `tokens`: a word as it is, a variable as much as lies before the next."""
    values: list[str] = []
    at = 0
    for place, token in enumerate(tokens):
        while at < len(parts) and not parts[at]:
            at += 1
        if at == len(parts):
            return None
        if not token.startswith(_OPEN):
            if parts[at] != token:
                return None
            at += 1
            continue
        end = _end(tokens[place + 1 :], parts, at)
        if end is None:
            return None
        values.append("/".join(parts[at:end]).rstrip("/"))
        at = end
    return values if not any(parts[at:]) else None


def _end(rest: tuple[str, ...], parts: list[str], at: int) -> int | None:
    """Where the variable that begins at `at` ends, when `rest` follows it."""
    if not rest:
        return len(parts)
    if rest[0].startswith(_OPEN):  # the last variable is one segment
        return next((place for place in range(len(parts) - 1, at, -1) if parts[place]), None)
    try:
        return parts.index(rest[0], at + 1)
    except ValueError:
        return None


def _found(names: tuple[str, ...], values: list[str], target: Target) -> tuple[Target, dict[str, Any]] | None:
    variables: dict[str, Any] = {}
    for name, raw in zip(names, values, strict=True):
        bare, _, kind = name.strip("{}").partition(":")
        if kind == "int":
            if not (raw.isascii() and raw.isdecimal() and len(raw) < 19):
                return None
            variables[bare] = int(raw)
        else:
            variables[bare] = _decoded(raw, bare)
    return target, variables


def _decoded(raw: str, name: str) -> str:
    try:
        value = unquote(raw, errors="strict") if "%" in raw else raw
    except UnicodeDecodeError:
        raise BadRequestData(f"{name}: {shown(raw)} is not percent-encoded UTF-8") from None
    if "\0" in value:
        raise BadRequestData(f"{name}: {shown(value)} holds the character U+0000")
    return value
