"""How deep a JSON value nests."""

from typing import Any

from ngsi.errors import BadRequestData


def check_depth(value: Any, where: str, limit: int) -> None:
    """Raises BadRequestData when `value` nests deeper than `limit`."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise BadRequestData(f"{where}: the value nests deeper than {limit}")
