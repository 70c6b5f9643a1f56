"""Conditions of q as one SQL/JSON path over the column `attributes` (GS CIM 009, 4.9).

The paths are lax: a step into an array goes into its elements. Every test sits in a filter, so that none of them can
fail; what compares values of different types is unknown there, which is as good as false.
"""

import json
from typing import Final

from ngsi.query.boolean import All, Any_, Node
from ngsi.query.comparison import FORMS
from ngsi.query.q import Condition, Literal, Path, Range

_RELATIONS: Final = ("object", "objectList.object")
_BEARERS: Final = ("value", 'value."@value"', "languageMap.*", "vocab", "valueList", "json")
COMPOUND: Final = ("value", "languageMap", "json", "valueList")
_NUMERIC: Final = ("value", 'value."@value"', "valueList", "json")
_CLOCK: Final = {"dateTime": "timestamp_tz", "time": "time_tz"}


def jsonpath(node: Node[Condition]) -> str:
    """A path predicate for `@@`, true or false for any document; every value stands in it as a JSON literal."""
    if isinstance(node, All | Any_):
        word = " || " if isinstance(node, Any_) else " && "
        return "(" + word.join(jsonpath(part) for part in node.parts) + ")"
    return _condition(node)


def quote(value: object) -> str:
    """A JSON literal, which is also one of SQL/JSON paths."""
    return json.dumps(value, ensure_ascii=False)


def instances(attributes: tuple[str, ...]) -> str:
    """The path to the instances of an attribute or sub-attribute."""
    return "$" + "".join(f".{quote(iri)}[*]" for iri in attributes)


def targets(path: Path, *, relations: bool = True, numeric: bool = False) -> list[str]:
    """Where in an instance the values of `path` are; with `numeric`, only where numbers and booleans can be."""
    if path.member is not None:
        return [path.member]
    if path.keys:
        keys = "".join("." + quote(key) for key in path.keys)
        return [bearer + keys for bearer in COMPOUND]
    if numeric:
        return list(_NUMERIC)
    return [*_BEARERS, *(_RELATIONS if relations else ())]


def _condition(condition: Condition) -> str:
    path, sign = condition.path, condition.operator
    place = instances(path.attributes)
    if sign is None or sign == "!":
        found = f"exists({place})" if not _deep(path) else f"exists({place} ? ({_any(targets(path), '')}))"
        return found if sign is None else f"!({found})"
    tests = " || ".join(_test(sign, operand) for operand in condition.operands)
    where = targets(path, relations=sign in ("==", "!="), numeric=_numeric(condition))
    # a comparison would look into an array that is itself an element; asked last, where hardly any value comes to it
    equal = _any(where, f' ? (({tests}) && @.type() != "array")')
    if sign == "!=":
        present = f"({_any(targets(path), '')}) && " if _deep(path) else ""
        return f"exists({place} ? ({present}!({equal})))"
    if sign == "!~=":
        present = _any(where, ' ? (@.type() == "string")')
        return f"exists({place} ? (({present}) && !({equal})))"
    return f"exists({place} ? ({equal}))"


def _deep(path: Path) -> bool:
    return path.member is not None or bool(path.keys)


def _numeric(condition: Condition) -> bool:
    kinds = {operand.low.kind if isinstance(operand, Range) else operand.kind for operand in condition.operands}
    return kinds <= {"number", "boolean"}


def _any(where: list[str], test: str) -> str:
    return " || ".join(f"exists(@.{target}{test})" for target in where)


def _test(sign: str, operand: Literal | Range) -> str:
    if isinstance(operand, Range):
        return f"({_test('>=', operand.low)} && {_test('<=', operand.high)})"
    if operand.kind == "pattern":
        return f'@ like_regex {quote(operand.value.canonical)} flag "s"'
    sign = "==" if sign == "!=" else sign
    clock = _CLOCK.get(operand.kind)
    literal = quote(operand.value)
    compared = f"@ {sign} {literal}" if clock is None else f"@.{clock}() {sign} {literal}.{clock}()"
    if operand.kind not in FORMS:
        return compared
    # of an array each method takes the elements, and fails for good at a date where it wants a time with a zone
    alone = '@.type() == "string" && ' if clock else ""
    return f"({alone}@ like_regex {quote(FORMS[operand.kind])} && {compared})"
