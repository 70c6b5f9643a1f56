"""The TOML file that declares sources, and the sources it makes.

    [[source]]
    name = "rain-gauge"          # unique; part of the folder, path or MQTT client id
    adapter = "rain_gauge"       # an entry point
    owner = "金沢市"              # who answers for the data
    licence = "CC-BY-4.0"
    confidentiality = 1          # 1 public, 2 limited, 3 closed; 3 when unsaid
    tenant = ""                  # NGSILD-Tenant; none when empty
    settings = { ... }           # of the adapter
    via = { transport = "file" } # how it arrives; the adapter's usual way when left out
    privacy = { legal_basis = "...", profile = "aggregate" }   # of a personal source; it is silent without them

A token or a password is told by where it is, `{ from_file = ... }` or `{ from_env = ... }` (`secrets.py`).
`${folder}` is the folder this file is in; `${data}`, `${demo_port}` and the other names of `AdapterSettings` are
replaced as well. Any other `$`, as in `$share/group/topic`, stands for itself.
"""

import logging
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from adapters.constants import Constants
from adapters.contract import Adapter, Decode, DecodeError, SourceSettings
from adapters.delivery import Source
from adapters.privacy.guard import Privacy
from adapters.privacy.profile import Profile
from adapters.provenance import Provenance
from adapters.quality.gate import Gate
from adapters.quality.rules import TypeRules
from adapters.registry import load
from adapters.secrets import revealed
from adapters.settings import AdapterSettings
from adapters.transports import OPEN, Surroundings, Via, spooled

log = logging.getLogger(__name__)

_NAME = re.compile(r"\$\{([^}]*)\}")
_VIA: TypeAdapter[Any] = TypeAdapter(Via)


class SourceError(Exception):
    """A source file that cannot be used, with every mistake in it."""


class NotPermitted(SourceError):
    """A personal source whose owner, legal basis or profile of anonymisation has not been said."""


class Declaration(BaseModel):
    """One `[[source]]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    adapter: str
    owner: str = ""
    licence: str = ""
    confidentiality: int = Field(default=3, ge=1, le=3)
    tenant: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    via: dict[str, Any] = Field(default_factory=dict)
    privacy: Profile = Field(default_factory=Profile)
    quality: dict[str, TypeRules] = Field(default_factory=dict)


class SourceFile(BaseModel):
    """The whole file; names and paths of pushes are unique. `quality` is of every source that does not say its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: tuple[Declaration, ...] = ()
    quality: dict[str, TypeRules] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _unique(self) -> "SourceFile":
        names = [each.name for each in self.source]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"source names must be unique, but these are not: {', '.join(sorted(twice))}")
        pushed = [each for each in self.source if each.via.get("transport") == "webhook"]
        paths = [each.via.get("path") or each.name for each in pushed]
        if twice := {path for path in paths if paths.count(path) > 1}:
            raise ValueError(f"two sources cannot be pushed to one path: {', '.join(sorted(twice))}")
        return self


def read(settings: AdapterSettings) -> tuple[Declaration, ...]:
    """The declarations of ADAPTERS_SOURCES, or of the built-in file for the demo. Raises SourceError."""
    place = settings.sources or Path(str(files("adapters").joinpath("sources.toml")))
    names = settings.model_dump() | {"folder": place.parent}
    try:
        text = _NAME.sub(lambda match: str(names[match[1]]), place.read_text(encoding="utf-8"))
        file = SourceFile.model_validate(tomllib.loads(text))
    except OSError as error:
        raise SourceError(f"{place}: {error.strerror}") from error
    except ValidationError as error:
        raise SourceError(f"{place}: {_rules(error)}") from error
    except KeyError as error:
        raise SourceError(f"{place}: ${{{error.args[0]}}} is none of {', '.join(names)}") from error
    except ValueError as error:
        raise SourceError(f"{place}: {error}") from error
    return tuple(each.model_copy(update={"quality": file.quality | each.quality}) for each in file.source)


def bind(declaration: Declaration, around: Surroundings) -> Source:
    """A declaration with its adapter, decoder and transport.

    Raises SourceError naming the source; NotPermitted when it is personal and its permission is not complete.
    """
    with _named(declaration):
        adapter = load(declaration.adapter)
        missing = declaration.privacy.missing(declaration.owner) if adapter.personal else []
        decode = decoder(declaration, adapter, around)
        via = _VIA.validate_python({"transport": adapter.transport} | revealed(declaration.via))
        if missing:
            raise NotPermitted(f"source {declaration.name} is personal and stays silent until it says {_and(missing)}")
        return Source(
            declaration.name,
            adapter,
            OPEN[via.transport](via, declaration.name, adapter.personal, around),
            decode,
            declaration.tenant,
            declaration.privacy.restricted_tenant,
            spooled(via, adapter.personal),
            provenance(declaration),
            Gate(declaration.name, declaration.quality, around.scores) if declaration.quality else None,
            Constants(),
        )


@contextmanager
def _named(declaration: Declaration) -> Iterator[None]:
    """Turns what is wrong with a declaration into SourceError, which names the source."""
    try:
        yield
    except SourceError:
        raise
    except ValidationError as error:
        raise SourceError(f"source {declaration.name}: {_rules(error)}") from error
    except (DecodeError, LookupError, OSError, ValueError) as error:
        raise SourceError(f"source {declaration.name}: {error}") from error
    except Exception as error:  # somebody else's decoder may raise anything, and the other sources run on
        raise SourceError(f"source {declaration.name}: {type(error).__name__}: {error}") from error


def provenance(declaration: Declaration) -> Provenance:
    """What is said of the origin of its entities."""
    return Provenance(declaration.name, declaration.owner, declaration.licence, declaration.confidentiality)


def _rules(error: ValidationError) -> str:
    """What is wrong where, without the address of pydantic's own manual."""
    told = ((".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")) for item in error.errors())
    return "; ".join(": ".join(filter(None, each)) for each in told)


def bind_all(declarations: Iterable[Declaration], around: Surroundings) -> list[Source]:
    """All sources that may run; who is not permitted is only logged. Raises one SourceError naming every mistake."""
    sources, mistakes = [], []
    for declaration in declarations:
        try:
            sources.append(bind(declaration, around))
        except NotPermitted as reason:
            log.error("%s", reason)
        except SourceError as error:
            mistakes.append(str(error))
    if mistakes:
        raise SourceError("\n".join(mistakes))
    return sources


def decoder(declaration: Declaration, adapter: Adapter, around: Surroundings) -> Decode:
    """The adapter's decoder, bound to the declared settings and to what it may do with persons. Raises SourceError."""
    pseudonym = partial(around.keys.pseudonym, declaration.name)
    privacy = Privacy(pseudonym, declaration.name, declaration.privacy, around.store, around.opt_out)
    with _named(declaration):
        settings: SourceSettings = adapter.settings.model_validate(revealed(declaration.settings))
        return adapter.decoder(settings, privacy)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
