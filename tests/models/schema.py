"""Validation against the Smart Data Models schemas, which describe the keyValues form, without the network."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from models import WITHHELD

SCHEMAS = Path(__file__).parent / "schemas"


def mistakes(entity: dict[str, Any]) -> list[str]:
    """What the schema of its type finds wrong in a normalized entity."""
    return [
        f"{error.json_path}: {error.message}" for error in _validator(entity["type"]).iter_errors(key_values(entity))
    ]


def key_values(entity: dict[str, Any]) -> dict[str, Any]:
    told = {name: member if isinstance(member, str) else _value(member) for name, member in entity.items()}
    return {name: value for name, value in told.items() if value != WITHHELD}


def _value(attribute: dict[str, Any]) -> Any:
    return attribute["object"] if attribute["type"] == "Relationship" else attribute["value"]


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    return Draft202012Validator(schema, registry=Registry(retrieve=_retrieve))


def _retrieve(uri: str) -> Resource[Any]:
    contents = json.loads((SCHEMAS / "common" / uri.rstrip("/").rsplit("/", 1)[-1]).read_text())
    return Resource.from_contents(contents, default_specification=DRAFT202012)
