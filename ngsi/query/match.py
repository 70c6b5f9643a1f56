"""Questions asked of one entity in memory: each filter compiled once into a closure (a few microseconds a call).

The second reader of the syntax trees beside `broker.store.compile`; a test holds both equal. Any instance of an
attribute may match; an array is taken for each of its elements (GS CIM 009, 4.9).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from ngsi.entity import Entity
from ngsi.query.boolean import All, Any_, Node, T
from ngsi.query.comparison import Test, is_text, test_of
from ngsi.query.entities import EntityQuery, EntitySelector
from ngsi.query.pattern import search
from ngsi.query.q import Condition, Link, Path, Query
from ngsi.query.scope import ScopePattern, ScopeQuery
from ngsi.query.spatial import match_geo
from ngsi.query.types import TypeSelection
from ngsi.terms import KINDS

Predicate: TypeAlias = Callable[[Entity], bool]
Linked: TypeAlias = Callable[[str], Entity | None]
_Instances: TypeAlias = Callable[[Entity], Iterable[dict[str, Any]]]
_Values: TypeAlias = Callable[[dict[str, Any]], Iterable[Any]]

_BEARER: Final = {kind.name: kind.bearer for kind in KINDS.values()}
_TIMES: Final = {"createdAt": "created_at", "modifiedAt": "modified_at", "expiresAt": "expires_at"}
_RELATIONS: Final = frozenset({"object", "objectList"})


def nobody(_: str) -> Entity | None:
    """Knows no linked entity: sub-queries on linked entities never hold."""
    return None


def match(query: EntityQuery, linked: Linked = nobody) -> Predicate:
    """All filters of `query` (not its order and page). `linked` gives the entity of an id, for sub-queries of q."""
    tests: list[Predicate] = []
    if query.selectors:
        tests.append(_one_of([match_selector(selector) for selector in query.selectors]))
    if query.attributes:
        tests.append(_has_one_of(frozenset(query.attributes)))
    if query.scopes is not None:
        tests.append(match_scopes(query.scopes))
    if query.q is not None:
        tests.append(match_q(query.q, linked))
    if query.geo is not None:
        tests.append(match_geo(query.geo))
    return _each_of(tests)


def match_selector(selector: EntitySelector) -> Predicate:
    """Id, id pattern and types of an entity selector (5.2.33)."""
    tests: list[Predicate] = []
    if selector.ids:
        ids = frozenset(selector.ids)
        tests.append(lambda entity: entity.id in ids)
    if selector.types is not None:
        tests.append(match_types(selector.types))
    if selector.id_pattern is not None:
        found = search(selector.id_pattern)
        tests.append(lambda entity: found(entity.id) is not None)
    return _each_of(tests)


def match_types(selection: TypeSelection) -> Predicate:
    """The type selection language (4.17)."""
    return _tree(selection, lambda iri: lambda entity: iri in entity.types)


def match_scopes(query: ScopeQuery) -> Predicate:
    """The scope query language (4.19)."""
    return _tree(query, _scope)


def _scope(pattern: ScopePattern) -> Predicate:
    fits = re.compile(pattern.regex).fullmatch
    return lambda entity: any(fits(scope) is not None for scope in entity.scopes)


def match_q(query: Query, linked: Linked = nobody) -> Predicate:
    """The query language (4.9)."""
    return _tree(query, lambda condition: _condition(condition, linked))


def _tree(node: Node[T], term: Callable[[T], Predicate]) -> Predicate:
    if isinstance(node, All):
        return _each_of([_tree(part, term) for part in node.parts])
    if isinstance(node, Any_):
        return _one_of([_tree(part, term) for part in node.parts])
    return term(node)


def _each_of(tests: list[Predicate]) -> Predicate:
    if len(tests) == 1:
        return tests[0]

    def holds(entity: Entity) -> bool:
        for test in tests:  # noqa: SIM110  a generator costs more than the tests
            if not test(entity):
                return False
        return True

    return holds


def _one_of(tests: list[Predicate]) -> Predicate:
    if len(tests) == 1:
        return tests[0]

    def holds(entity: Entity) -> bool:
        for test in tests:  # noqa: SIM110
            if test(entity):
                return True
        return False

    return holds


def _has_one_of(names: frozenset[str]) -> Predicate:
    return lambda entity: not names.isdisjoint(entity.attributes)


def _condition(condition: Condition, linked: Linked) -> Predicate:
    if condition.operator == "!":
        found = _condition(Condition(condition.path), linked)
        return lambda entity: not found(entity)
    holds = _time_of_entity(condition) if not condition.path.attributes else _of_attribute(condition)
    for link in reversed(condition.path.links):
        holds = _through(link, holds, linked)
    return holds


def _through(link: Link, holds: Predicate, linked: Linked) -> Predicate:
    types = frozenset(link.types)

    def follows(entity: Entity) -> bool:
        for instance in entity.attributes.get(link.attribute, ()):
            for target in _objects(instance):
                other = linked(target)
                if other is not None and (not types or not types.isdisjoint(other.types)) and holds(other):
                    return True
        return False

    return follows


def _objects(instance: dict[str, Any]) -> Iterable[str]:
    return _whole(instance) if _BEARER[instance["type"]] in _RELATIONS else ()


def _of_attribute(condition: Condition) -> Predicate:
    path, operator = condition.path, condition.operator
    instances = _instances(path.attributes)
    if operator is None:
        present = _present(path)
        return lambda entity: any(present(instance) for instance in instances(entity))
    test = test_of(operator, condition.operands)
    values = _values(path, with_relations=operator in ("==", "!="))
    if operator == "!=":
        return _no_value(instances, values, test, _present(path))
    if operator == "!~=":
        return _no_value(instances, values, test, lambda instance: any(is_text(value) for value in values(instance)))

    def holds(entity: Entity) -> bool:
        for instance in instances(entity):
            for value in values(instance):
                if test(value):
                    return True
        return False

    return holds


def _no_value(instances: _Instances, values: _Values, test: Test, present: Callable[[Any], bool]) -> Predicate:
    """Some instance has the target, and no value of it passes `test`."""

    def holds(entity: Entity) -> bool:
        for instance in instances(entity):
            if present(instance) and not any(test(value) for value in values(instance)):
                return True
        return False

    return holds


def _instances(names: tuple[str, ...]) -> _Instances:
    first, *deeper = names
    if not deeper:
        return lambda entity: entity.attributes.get(first, ())

    def found(entity: Entity) -> Iterable[dict[str, Any]]:
        level = entity.attributes.get(first, [])
        for name in deeper:
            level = [item for instance in level for item in instance.get(name, ())]
        return level

    return found


def _present(path: Path) -> Callable[[dict[str, Any]], bool]:
    if path.member is not None:
        member = path.member
        return lambda instance: member in instance
    if path.keys:
        return lambda instance: bool(_stepped(instance, path.keys))
    return lambda instance: True


def _values(path: Path, with_relations: bool) -> _Values:
    """The values that an instance puts forward, arrays taken apart once."""
    if path.member is not None:
        member = path.member
        return lambda instance: _elements(instance[member]) if member in instance else ()
    if path.keys:
        return lambda instance: [item for value in _stepped(instance, path.keys) for item in _elements(value)]
    return (
        _whole if with_relations else lambda instance: () if "object" in _BEARER[instance["type"]] else _whole(instance)
    )


def _elements(value: Any) -> Iterable[Any]:
    return value if type(value) is list else (value,)


def _whole(instance: dict[str, Any]) -> Iterable[Any]:
    bearer = _BEARER[instance["type"]]
    value: Any = instance[bearer]
    if not isinstance(value, list | dict):
        return (value,)
    if bearer == "languageMap" and isinstance(value, dict):
        return [text for texts in value.values() for text in _elements(texts)]
    if bearer == "objectList":
        return [target for item in value for target in _elements(item["object"])]
    if bearer == "value":  # JSON-LD's typed form {"@type": ..., "@value": ...} stands for its value
        typed = [item for item in _elements(value) if type(item) is dict and "@value" in item]
        return [*_elements(value), *(part for item in typed for part in _elements(item["@value"]))]
    return _elements(value)


def _stepped(instance: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
    """What the trailing path leads to within the value; at each step an array is taken apart once."""
    bearer = _BEARER[instance["type"]]
    level = [instance[bearer]] if bearer in ("value", "languageMap", "json", "valueList") else []
    for key in keys:
        level = [item[key] for value in level for item in _elements(value) if type(item) is dict and key in item]
    return level


def _time_of_entity(condition: Condition) -> Predicate:
    name = _TIMES[condition.path.member or "createdAt"]
    if condition.operator is None:
        return lambda entity: getattr(entity, name) is not None
    test = test_of(condition.operator, condition.operands)
    if condition.operator in ("!=", "!~="):
        wanted = condition.operator == "!="  # an instant is no string, so a pattern neither holds nor fails to
        return lambda entity: wanted and getattr(entity, name) is not None and not test(getattr(entity, name))
    return lambda entity: getattr(entity, name) is not None and test(getattr(entity, name))
