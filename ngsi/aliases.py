"""A user's other names for the members of the standard (JSON-LD 1.1, 4.1.6), taken for what they mean.

A German @context may say "Wert" for `value` and "Eigenschaft" for `Property`, another one "ID" for `id`. Such names are
replaced before a body is parsed; contexts without any, nearly all, cost nothing.
"""

from collections.abc import Callable
from typing import Any

from ngsi.attribute import is_instance
from ngsi.errors import BadRequestData, shown
from ngsi.jsonld import Context
from ngsi.terms import KINDS, TYPED_MEMBERS


def resolve(body: Any, context: Context) -> None:
    """Give the members of `body`, an entity or a part of one, the standard's names, in place.

    Raises BadRequestData when two of its members mean the same.
    """
    _replace(body, context, _entity_named)


def resolve_attribute(body: Any, context: Context) -> None:
    """As `resolve`, for a body that is one attribute, or a part of one, whatever its members are."""
    _replace(body, context, _attribute_named)


def resolve_simplified(body: Any, context: Context) -> None:
    """As `resolve`, for an entity whose attributes are bare values: nothing in these is a name of ours."""
    _replace(body, context, _named)


def _replace(body: Any, context: Context, renamed: Callable[[dict[str, Any], Context], dict[str, Any]]) -> None:
    if context.aliases and isinstance(body, dict):
        named = renamed(body, context)
        body.clear()
        body.update(named)


def _entity_named(body: dict[str, Any], context: Context) -> dict[str, Any]:
    return {name: _attribute(value, context) for name, value in _named(body, context).items()}


def _named(members: dict[str, Any], context: Context) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in members.items():
        meant = context.aliases.get(name, name)
        if meant in named:
            raise BadRequestData(f"{shown(name)}: by its @context this body has the member {meant} twice")
        named[meant] = value
    return named


def _attribute(value: Any, context: Context) -> Any:
    """An attribute with its members named; any other value as it is."""
    if isinstance(value, list):
        return [_attribute(item, context) for item in value]
    if not isinstance(value, dict):
        return value
    named = _attribute_named(value, context)
    return named if is_instance(named) else value


def _attribute_named(value: dict[str, Any], context: Context) -> dict[str, Any]:
    named = _named(value, context)
    kind = named.get("type")
    if isinstance(kind, str) and context.aliases.get(kind) in KINDS:
        named["type"] = context.aliases[kind]
    # what bears the value is the user's own: nothing in there is a name of ours
    return {name: item if name in TYPED_MEMBERS else _attribute(item, context) for name, item in named.items()}
