"""Attributes in normalized, concise and simplified form (GS CIM 009, 4.5.2 to 4.5.5, 4.5.18 to 4.5.24).

A form is compiled once per @context into a table from stored member to shown member, so that an instance costs
one look-up per member however often it is shown.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from ngsi.geometry import looks_like_geometry
from ngsi.instance import Instance, dataset
from ngsi.jsonld import Context
from ngsi.terms import ATTRIBUTE_MEMBERS, DEFAULT_DATASET, KINDS

Format = Literal["normalized", "concise", "simplified"]
Shown = Callable[[Any], Any]

_SYSTEM: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})
_NAMES: Final = frozenset(
    {"vocab", "previousVocab", "objectType", "valueType"}
)  # members whose content is a name to compact
# a bare value with one of these would be read as an attribute, not as the value of one
_TELLING: Final = ATTRIBUTE_MEMBERS | {"@type"}
_TABLE_LIMIT: Final = 20_000


class Plan(dict[str, tuple[str, Shown | None]]):
    """The normalized form; member -> (name, how its content is shown; None: as it is). A hidden member has no name."""

    def __init__(self, context: Context, sys_attrs: bool) -> None:
        super().__init__()
        self._context = context
        self._hidden = frozenset() if sys_attrs else _SYSTEM
        self._as_stored = ATTRIBUTE_MEMBERS - _NAMES - self._hidden

    def __missing__(self, member: str) -> tuple[str, Shown | None]:
        row = self._row(member)
        if len(self) < _TABLE_LIMIT:
            self[member] = row
        return row

    def _row(self, member: str) -> tuple[str, Shown | None]:
        if ":" in member:
            return self._context.compact(member), self.attribute
        if member in self._hidden:
            return "", _nothing
        return member, self._compacted if member in _NAMES else None

    def _compacted(self, value: Any) -> Any:
        compact = self._context.compact
        return [compact(item) for item in value] if isinstance(value, list) else compact(value)

    def attribute(self, instances: list[Instance]) -> Any:
        """The value of the attribute's member: an object, or an array of them (4.5.5)."""
        if len(instances) == 1:
            return self.instance(instances[0])
        return [self.instance(item) for item in instances]

    def shown(self, instance: Instance) -> Any:
        """`instance` itself where nothing of it is shown in another way, for who does not change what he gets."""
        return instance if self._as_stored.issuperset(instance) else self.instance(instance)

    def instance(self, instance: Instance) -> Any:
        body: dict[str, Any] = {}
        for member, value in instance.items():
            name, shown = self[member]
            if shown is None:
                body[name] = value
            elif name:
                body[name] = shown(value)
        return body


def _nothing(_: Any) -> None:
    return None


class Concise(Plan):
    """The shortest form that loses nothing: types are told by the other members (4.5.2.3, 4.5.3.3)."""

    def _row(self, member: str) -> tuple[str, Shown | None]:
        if member == "type":
            return "", _nothing
        if member in ("objectList", "previousObjectList"):
            return member, _objects
        return super()._row(member)

    def instance(self, instance: Instance) -> Any:
        body = super().instance(instance)
        if instance["type"] == "Property" and looks_like_geometry(instance["value"]):
            return {"type": "Property", **body}  # which would be read as a GeoProperty
        return body

    def attribute(self, instances: list[Instance]) -> Any:
        if len(instances) > 1:
            # an array of bare values would read as one Property with an array for a value
            return [self.instance(item) for item in instances]
        body = self.instance(instances[0])
        if len(body) == 1 and "value" in body and _reads_back(body["value"], instances[0]["type"]):
            return body["value"]
        return body


def _reads_back(value: Any, kind: str) -> bool:
    """True when the bare value would be read as the same attribute again."""
    if kind == "GeoProperty":
        return True
    items = value if isinstance(value, list) else [value]
    return not any(isinstance(item, dict) and not _TELLING.isdisjoint(item) for item in items)


def _objects(value: Any) -> Any:
    return [item["object"] for item in value] if isinstance(value, list) else value


class Simplified(Plan):
    """Values only; the instances of a multi-attribute by their datasetId (4.5.4)."""

    def attribute(self, instances: list[Instance]) -> Any:
        if len(instances) == 1 and dataset(instances[0]) is None:
            return self.instance(instances[0])
        return {"dataset": {dataset(item) or DEFAULT_DATASET: self.instance(item) for item in instances}}

    def instance(self, instance: Instance) -> Any:
        return simplified_value(instance, self._context)


def simplified_value(instance: Instance, context: Context) -> Any:
    """What the simplified form shows of one attribute instance."""
    bearer = KINDS[instance["type"]].bearer
    value = instance[bearer]
    if bearer == "vocab":
        compact = context.compact
        return {bearer: [compact(item) for item in value] if isinstance(value, list) else compact(value)}
    if bearer in ("languageMap", "json"):
        return {bearer: value}
    return _objects(value) if bearer == "objectList" else value


FORMS: Final[dict[Format, type[Plan]]] = {"normalized": Plan, "concise": Concise, "simplified": Simplified}
