"""The OpenAPI description: the cold routes as FastAPI knows them, the hot ones from the table of routes."""

import re
from collections.abc import Iterable
from typing import Any

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def describe(schema: dict[str, Any], routes: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """`schema` with an operation per route; its summary is the first line of the operation's docstring."""
    for path, method, operation in routes:
        item = schema.setdefault("paths", {}).setdefault(_PARAMETER.sub(r"{\1}", path), {})
        item[method.lower()] = {
            "operationId": f"{operation.__module__.rpartition('.')[2]}_{operation.__name__}",
            "summary": (operation.__doc__ or operation.__name__).strip().splitlines()[0],
            "tags": [path.split("/")[3] if path.startswith("/ngsi-ld/") else "admin"],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _PARAMETER.findall(path)
            ],
            "responses": {"default": {"description": "an entity, a list, nothing, or ProblemDetails"}},
        }
    return schema
