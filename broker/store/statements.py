"""Named SQL: the statements of a .sql file beside its module, each under a line `-- name: its_name`."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(noun: str) -> dict[str, str]:
    """The statements of `<noun>.sql` by name."""
    text = files("broker.store").joinpath(f"{noun}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}
