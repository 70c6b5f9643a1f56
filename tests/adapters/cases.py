"""The examples of every source folder, read as the tests they are.

A case is a folder with `input.*`, `expected.json` ({"entities": normalized NGSI-LD, "errors": [{field, rule}]}) and,
when the message needs them, `case.toml` with `topic`, `received_at` and `[settings]`.
"""

import hmac
import tomllib
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import orjson

import adapters
from adapters.contract import Adapter, DecodeError, Message, Restricted
from adapters.privacy.guard import Privacy
from adapters.privacy.profile import Profile
from models import zulu

HOUSE = Path(adapters.__file__).parent
SOURCES = sorted(path.parent for path in HOUSE.glob("*/adapter.py"))
RECEIVED_AT = datetime(2026, 11, 21, tzinfo=UTC)


class Case(NamedTuple):
    source: str
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.source}-{self.folder.name}"


def all_cases() -> list[Case]:
    folders = [(source.name, folder) for source in SOURCES for folder in sorted((source / "examples").glob("*/"))]
    return [Case(source, folder) for source, folder in folders]


def adapter_of(source: str) -> Adapter:
    """The adapter of a source folder, whether or not its entry point is installed already."""
    adapter: Adapter = import_module(f"adapters.{source}.adapter").ADAPTER
    return adapter


def decoded(case: Case) -> dict[str, Any]:
    """What the adapter makes of the case's input, in the form of expected.json."""
    about = case.folder / "case.toml"
    told = tomllib.loads(about.read_text()) if about.exists() else {}
    (path,) = case.folder.glob("input.*")
    message = Message(path.read_bytes(), told.get("received_at", RECEIVED_AT), told.get("topic", path.name))
    adapter = adapter_of(case.source)
    profile = Profile.model_validate({"profile": "synthetic", "k": 1} | told.get("privacy", {}))
    decode = adapter.decoder(
        adapter.settings.model_validate(told.get("settings", {})), Privacy(pseudonym, profile=profile)
    )
    return _result(decode, message)


def _result(decode: Any, message: Message) -> dict[str, Any]:
    entities: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    try:
        for item in decode(message):
            if isinstance(item, DecodeError):
                errors.append({"field": item.field, "rule": item.rule})
            elif isinstance(item, Restricted):
                entities.append(item.model.to_ngsi() | {"expiresAt": zulu(item.expires_at)})
            else:
                entities.append(item.to_ngsi())
    except DecodeError as error:
        errors.append({"field": error.field, "rule": error.rule, "whole": True})
    return orjson.loads(orjson.dumps({"entities": entities, "errors": errors}))


def pseudonym(identifier: str) -> str:
    """A pseudonym under a key everybody knows, so that examples can be compared."""
    return "p-" + hmac.digest(b"known", identifier.encode(), "sha256")[:8].hex()
