"""Array literals mean what the columns hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from broker.store import arrays

NOW = datetime(2026, 6, 19, 3, 50, 0, 123456, UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1), datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
_AWKWARD = ["", "NULL", "null", "a,b", '"', "\\", "\\n", "{", "}", " x ", "\n\t\x01\x7f", "金沢", "😀", None]


@pytest.mark.parametrize(
    ("literal", "kind", "column"),
    [
        (arrays.texts(_AWKWARD), "text[]", _AWKWARD),
        (arrays.texts([b'{"a":"\\u0001 \\" \xe9\x87\x91"}', None]), "text[]", ['{"a":"\\u0001 \\" 金"}', None]),
        (arrays.scalars([0, -1, 2**62]), "bigint[]", [0, -1, 2**62]),
        (arrays.scalars([1.5, None, -0.0, 5e-324, 1.7976931348623157e308, 0.1]), "float8[]",
         [1.5, None, -0.0, 5e-324, 1.7976931348623157e308, 0.1]),
        (arrays.scalars([True, False, None]), "boolean[]", [True, False, None]),
        (arrays.scalars([NOW, NOW.replace(microsecond=0), FIRST, LAST, None]), "timestamptz[]",
         [NOW, NOW.replace(microsecond=0), FIRST, LAST, None]),
        (arrays.texts([]), "text[]", []),
        (arrays.scalars([]), "bigint[]", []),
    ],
)  # fmt: skip
async def test_a_literal_is_read_as_it_was_written(dsn: str, literal: str, kind: str, column: list[Any]) -> None:
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval(f"select $1::text::{kind}", literal) == column
    await connection.close()
