"""A condition of q as an SQL/JSON path over the column `attributes` (GS CIM 009, 4.9)."""

import json
from typing import Final

from ngsi.query.q import Condition, Literal, Path, Range

_BEARERS: Final = ("value", "object", "languageMap.*", "vocab", "valueList", "json", "objectList.object")
_TIMED: Final = frozenset({"dateTime"})


def jsonpath(condition: Condition) -> str:
    """A path predicate for `@@`; every value stands in it as a quoted JSON literal."""
    context = "$" + "".join(f".{_quote(iri)}[*]" for iri in condition.path.attributes)
    if condition.operator is None or (condition.operator == "!" and not _deep(condition.path)):
        found = f"exists({context})" if not _deep(condition.path) else _any(context, _targets(condition.path), "")
        return found if condition.operator is None else f"!({found})"
    if condition.operator == "!":
        return f"!({_any(context, _targets(condition.path), '')})"
    tests = [f" ? ({_test(condition.operator, operand)})" for operand in condition.operands]
    targets = _targets(condition.path)
    if condition.operator != "!=":
        return "(" + " || ".join(_any(context, targets, test) for test in tests) + ")"
    equal = " || ".join(f"exists(@.{target}{test})" for target in targets for test in tests)
    present = " || ".join(f"exists(@.{target})" for target in targets)
    return f"exists({context} ? (({present}) && !({equal})))"


def strings_path(path: Path) -> str:
    """The path to the values that a regular expression may be held against."""
    context = "$" + "".join(f".{_quote(iri)}[*]" for iri in path.attributes)
    if _deep(path):
        return f"{context}.{_targets(path)[0]}"
    return f'{context}.keyvalue() ? (@.key == "value" || @.key == "vocab" || @.key == "languageMap").value'


def _deep(path: Path) -> bool:
    return path.member is not None or bool(path.keys)


def _targets(path: Path) -> list[str]:
    if path.member is not None:
        return [path.member]
    keys = "".join("." + _quote(key) for key in path.keys if key != "*")
    if path.keys:
        return [bearer + keys for bearer in ("value", "languageMap", "json")]
    return list(_BEARERS)


def _any(context: str, targets: list[str], test: str) -> str:
    return "(" + " || ".join(f"exists({context}.{target}{test})" for target in targets) + ")"


def _test(operator: str, operand: Literal | Range) -> str:
    if isinstance(operand, Range):
        return f"{_compare('>=', operand.low)} && {_compare('<=', operand.high)}"
    return _compare("==" if operator == "!=" else operator, operand)


def _compare(operator: str, literal: Literal) -> str:
    if literal.kind in _TIMED:
        return f"@.timestamp_tz() {operator} {_quote(literal.value)}.timestamp_tz()"
    return f"@ {operator} {json.dumps(literal.value, ensure_ascii=False)}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
