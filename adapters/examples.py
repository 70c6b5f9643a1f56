"""The examples of an adapter, read as the tests they are.

An example is a folder with `input.*`, `expected.json` ({"entities": normalized NGSI-LD, "errors": [{field, rule}]})
and, when the message needs them, `topic`, `received_at`, `[settings]` and `[privacy]` in `case.toml`.
"""

import hmac
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from adapters.contract import Adapter, DecodeError, Message, Restricted, Whole
from adapters.privacy.guard import Privacy
from adapters.privacy.profile import Profile
from adapters.registry import published
from models import zulu

RECEIVED_AT = datetime(2026, 11, 21, tzinfo=UTC)


def folders(name: str) -> list[Path]:
    """The examples beside the module of the installed adapter `name`. Raises LookupError."""
    module = import_module(published()[name].module)
    assert module.__file__ is not None
    return sorted(Path(module.__file__).parent.joinpath("examples").glob("*/"))


def decoded(adapter: Adapter, folder: Path) -> dict[str, Any]:
    """What the adapter makes of the example's input, in the form of expected.json."""
    about = folder / "case.toml"
    told = tomllib.loads(about.read_text()) if about.exists() else {}
    (path,) = folder.glob("input.*")
    message = Message(path.read_bytes(), told.get("received_at", RECEIVED_AT), told.get("topic", path.name))
    profile = Profile.model_validate({"profile": "synthetic", "k": 1} | told.get("privacy", {}))
    settings = adapter.settings.model_validate(told.get("settings", {}))
    return _result(adapter.decoder(settings, Privacy(pseudonym, profile=profile)), message)


def check(adapter: Adapter, folder: Path) -> Iterator[str]:
    """What differs from expected.json, line by line; nothing when the example holds."""
    path = folder / "expected.json"
    if not path.exists():
        yield "there is no expected.json; --write makes it from what the decoder says today"
        return
    expected, found = orjson.loads(path.read_bytes()), decoded(adapter, folder)
    for kind in ("entities", "errors"):
        for mark, some, others in (("-", expected[kind], found[kind]), ("+", found[kind], expected[kind])):
            yield from (f"{mark} {orjson.dumps(each).decode()}" for each in some if each not in others)
    if expected != found and all(sorted(map(str, expected[k])) == sorted(map(str, found[k])) for k in found):
        yield "the same in another order"


def write(adapter: Adapter, folder: Path) -> None:
    """Makes expected.json say what the decoder says today."""
    text = orjson.dumps(decoded(adapter, folder), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (folder / "expected.json").write_bytes(text)


def _result(decode: Any, message: Message) -> dict[str, Any]:
    entities: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    try:
        for item in decode(message):
            if isinstance(item, DecodeError):
                errors.append({"field": item.field, "rule": item.rule})
            elif isinstance(item, Restricted):
                entities.append(item.model.to_ngsi() | {"expiresAt": zulu(item.expires_at)})
            elif not isinstance(item, Whole):
                entities.append(item.to_ngsi())
    except DecodeError as error:
        errors.append({"field": error.field, "rule": error.rule, "whole": True})
    result: dict[str, Any] = orjson.loads(orjson.dumps({"entities": entities, "errors": errors}))
    return result


def pseudonym(identifier: str) -> str:
    """A pseudonym under a key everybody knows, so that examples can be compared."""
    return "p-" + hmac.digest(b"known", identifier.encode(), "sha256")[:8].hex()
