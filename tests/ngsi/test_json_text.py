"""What a JSON text must not hold."""

import orjson
import pytest

from ngsi.json_text import too_deep


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        (b"[" * 5 + b"]" * 5, False),
        (b"[" * 6 + b"]" * 6, True),
        (b'{"a":' * 5 + b"1" + b"}" * 5, False),
        (b'{"a":' * 6 + b"1" + b"}" * 6, True),
        (b"[" + b"[],{}," * 100 + b"1]", False),
        (b'["[[[[[[","{{{{{{"]', False),
        (rb'["\"[[[[[[","\\"]', False),
        (b'["[","]","",["{",[["}"]]]]', False),
        (b'["","[","",["",[["",["",[1]]]]]]', True),
        # brackets in strings that would hide the depth
        (b'{"}":' * 6 + b"1" + b',"{":1}' * 6, True),
        (rb'[[[[["\\",[]]]]]]', True),
    ],
)
def test_depth_is_told_from_the_text(text: bytes, deep: bool) -> None:
    orjson.loads(text)
    assert too_deep(text, 5) is deep
