"""The schema of a Smart Data Model, asked of a normalized entity; without the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from models import WITHHELD


class Schema:
    """A schema file and the `common` folder beside it. The schemas describe the keyValues form.

    Raises ValueError for what is no schema, or refers to one that is not there, and when the optional package
    jsonschema is not installed; OSError without the file.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Optional: only a city that asks for schemas pays for them.
            from jsonschema import Draft202012Validator, SchemaError
            from referencing import Registry, Resource
            from referencing.exceptions import Unresolvable
            from referencing.jsonschema import DRAFT202012
        except ImportError as error:
            raise ValueError("schema: needs the package jsonschema (pip install yukitsuri[quality])") from error

        def retrieve(uri: str) -> Any:
            contents = orjson.loads((path.parent / "common" / uri.rstrip("/").rsplit("/", 1)[-1]).read_bytes())
            return Resource.from_contents(contents, default_specification=DRAFT202012)

        # jsonschema and referencing describe their registries only loosely
        registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]
        try:
            schema = orjson.loads(path.read_bytes())
            Draft202012Validator.check_schema(schema)
            self._validator = Draft202012Validator(schema, registry=registry)
            for _ in self._validator.iter_errors({}):  # follows what it refers to, before an entity has to
                pass
        except (orjson.JSONDecodeError, SchemaError, Unresolvable) as error:
            raise ValueError(f"{path.name}: {str(error).partition(chr(10))[0]}") from error

    def mistakes(self, entity: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """(attribute, what is wrong with it); the attribute is `id` when it is the entity."""
        for error in self._validator.iter_errors(_key_values(entity)):
            yield str(error.absolute_path[0]) if error.absolute_path else "id", error.message[:200]


def _key_values(entity: dict[str, Any]) -> dict[str, Any]:
    told = {name: member if isinstance(member, str) else _value(member) for name, member in entity.items()}
    return {name: value for name, value in told.items() if value != WITHHELD}


def _value(attribute: dict[str, Any]) -> Any:
    return attribute["object"] if attribute["type"] == "Relationship" else attribute["value"]
