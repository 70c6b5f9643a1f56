"""Array literals mean what the columns hold."""

from typing import Any

import asyncpg
import pytest

from broker.store import arrays

_AWKWARD = ["", "NULL", "null", "a,b", '"', "\\", "\\n", "{", "}", " x ", "\n\t\x01\x7f", "金沢", "😀", None]


@pytest.mark.parametrize(
    ("literal", "kind", "column"),
    [
        (arrays.texts(_AWKWARD), "text[]", _AWKWARD),
        (arrays.texts([b'{"a":"\\u0001 \\" \xe9\x87\x91"}', None]), "text[]", ['{"a":"\\u0001 \\" 金"}', None]),
        (arrays.numbers([0, -1, 2**62]), "bigint[]", [0, -1, 2**62]),
        (arrays.numbers([1.5, None, -0.0, 5e-324, 1.7976931348623157e308, 0.1]), "float8[]",
         [1.5, None, -0.0, 5e-324, 1.7976931348623157e308, 0.1]),
        (arrays.texts([]), "text[]", []),
        (arrays.numbers([]), "bigint[]", []),
    ],
)  # fmt: skip
async def test_a_literal_is_read_as_it_was_written(dsn: str, literal: str, kind: str, column: list[Any]) -> None:
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval(f"select $1::text::{kind}", literal) == column
    await connection.close()
