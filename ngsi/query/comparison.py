"""Values against the operands of a query term (GS CIM 009, 4.9): different data types are never equal.

A string is a DateTime, Date or Time when it has the form of one; instants compare whatever their offset. Numbers
compare by the decimal digits they are written with, so that integers beyond double precision stay apart.
"""

import operator
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ngsi.query.pattern import search
from ngsi.query.q import Literal, Range

Test: TypeAlias = Callable[[Any], bool]
_Compare: TypeAlias = Callable[[Any, Any], bool]

# forms of strings in entities' values; written in what Python, RE2 and PostgreSQL read alike
DATE: Final = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?"
ZONE: Final = "(?:Z|[+-](?:0[0-9]|1[0-5]):[0-5][0-9])"
FORMS: Final = {"date": f"^{DATE}$", "time": f"^{TIME}Z$", "dateTime": f"^(?!0000){DATE}T{TIME}{ZONE}$"}

_COMPARE: Final[dict[str, _Compare]] = {
    "==": operator.eq,
    "!=": operator.eq,  # unequal is: none is equal
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EXACT: Final = 2**53


def test_of(sign: str, operands: tuple[Literal | Range, ...]) -> Test:
    """A function that tells whether one value passes for any of `operands`; for `!=` and `!~=` whether it is equal."""
    tests = [_test(sign, operand) for operand in operands]
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def is_text(value: Any) -> bool:
    return type(value) is str


def _test(sign: str, operand: Literal | Range) -> Test:
    if isinstance(operand, Range):
        low, high = _test(">=", operand.low), _test("<=", operand.high)
        return lambda value: low(value) and high(value)
    if operand.kind == "pattern":
        found = search(operand.value)
        return lambda value: type(value) is str and found(value) is not None
    return _TESTS[operand.kind](_COMPARE[sign], operand.value)


def _number(compare: _Compare, operand: Any) -> Test:
    if abs(operand) <= _EXACT:
        return lambda value: (type(value) is float or type(value) is int) and compare(value, operand)
    wanted = Decimal(repr(operand))
    return lambda value: (type(value) is float or type(value) is int) and compare(Decimal(repr(value)), wanted)


def _string(compare: _Compare, operand: str) -> Test:
    return lambda value: type(value) is str and compare(value, operand)


def _boolean(compare: _Compare, operand: bool) -> Test:
    return lambda value: value is operand


def _date(compare: _Compare, operand: str) -> Test:
    form = re.compile(FORMS["date"]).fullmatch
    return lambda value: type(value) is str and form(value) is not None and compare(value, operand)


def _time(compare: _Compare, operand: str) -> Test:
    form, wanted = re.compile(FORMS["time"]).fullmatch, _seconds(operand)
    return lambda value: type(value) is str and form(value) is not None and compare(_seconds(value), wanted)


def _seconds(text: str) -> str:
    """A Time in the form in which the order of texts is the order of times."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return f"{whole}.{fraction.rstrip('0')}"


def _date_time(compare: _Compare, operand: str) -> Test:
    wanted = datetime.fromisoformat(operand)

    def holds(value: Any) -> bool:
        instant = _instant(value)
        return instant is not None and compare(instant, wanted)

    return holds


def _instant(value: Any) -> datetime | None:
    if type(value) is datetime:
        return value
    if type(value) is not str or _DATE_TIME.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:  # such as 30 February
        return None


_DATE_TIME: Final = re.compile(FORMS["dateTime"])
_TESTS: Final[dict[str, Callable[[_Compare, Any], Test]]] = {
    "number": _number,
    "string": _string,
    "uri": _string,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "dateTime": _date_time,
}
