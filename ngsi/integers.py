"""Integers of JSON that keep their digits, or are refused (GS CIM 009, 4.5.2.2).

The parser reads an integer beyond 64 bits as a double and says nothing. What has a fraction or an exponent is the
nearest double: the standard leaves its precision to the broker.
"""

import json
from typing import Final

from ngsi.errors import BadRequestData

_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_DIGITS: Final = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))  # every digit a 0, all else a blank
_LONG: Final = b"0" * 19


def check_integers(text: bytes) -> None:
    """Raises BadRequestData when an integer of the JSON `text` (valid) is not from -2^63 to 2^64-1.

    It costs a third of reading the text; only where there are 19 digits in a row it is read again.
    """
    if _LONG in text.translate(_DIGITS):
        json.loads(text, parse_int=_check)


def _check(digits: str) -> None:
    # the length first: what is longer takes long to read
    if len(digits) > 20 or not _LEAST <= int(digits) <= _MOST:
        raise BadRequestData(
            f"the integer {digits[:40]} is not from -2^63 to 2^64-1 and would lose digits; send it as a string"
        )
