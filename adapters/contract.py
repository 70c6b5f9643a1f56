"""The whole contract of an adapter: a transport yields messages, a decoder turns each into entities.

    Transport = () -> async iterator of Message          knows the network, nothing of the content
    Decode    = Message -> iterable of Model|DecodeError  knows the content, nothing of the network

An adapter is a value of `Adapter`, published under the entry point group `yukitsuri.adapters`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict

from adapters.privacy.guard import Privacy
from models import Model


class Outcome(Enum):
    """What became of a message. Its transport acknowledges, moves or answers accordingly."""

    COMMITTED = "committed"  # the broker holds everything it said
    PARTIAL = "partial"  # some of it is in quarantine
    REFUSED = "refused"  # all of it is in quarantine
    SPOOLED = "spooled"  # it is safe on our disk and reaches the broker later


async def _nothing(outcome: Outcome) -> None:
    """For messages nobody waits for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery, as it came.

    `topic` says where it came from: MQTT topic, path of the push, name of the document or file. A transport that had
    to stop reading says why in `metadata["refused"]`; a part of a file that is not its last has `CONTINUES` there.
    `settle` is called once, after the broker has committed the entities and the quarantine holds the rest, or when the
    spool has it.
    """

    body: bytes
    received_at: datetime
    topic: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    settle: Callable[[Outcome], Awaitable[None]] = _nothing


class DecodeError(Exception):
    """Input a decoder cannot read: which field, which value, which rule it breaks.

    Raised, it condemns the whole message; yielded in place of a model, only one row. `raw` is that row as a message of
    its own (with its header), so that it can be replayed.
    """

    def __init__(self, field: str, value: object, rule: str, raw: bytes | None = None) -> None:
        super().__init__(f"{field}: {_shown(value)} {rule}")
        self.field, self.value, self.rule, self.raw = field, value, rule, raw

    def of_row(self, raw: bytes) -> "DecodeError":
        """The same error, for one row only."""
        return DecodeError(self.field, self.value, self.rule, raw)


class SourceSettings(BaseModel):
    """Base of an adapter's settings; unknown keys in the source file are mistakes, not extras."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Restricted:
    """An entity for the source's restricted tenant only, and only until `expires_at`."""

    model: Model
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    """The message was a whole list: of this type, what begins with `prefix` and is not in `ids` is gone."""

    type: str
    prefix: str
    ids: frozenset[str]


Item = Model | Restricted | Whole | DecodeError
Transport = Callable[[], AsyncIterator[Message]]
Decode = Callable[[Message], Iterable[Item]]
Pseudonym = Callable[[str], str]
TICK = {"tick": "1"}
CONTINUES = {"continues": "1"}


@dataclass(frozen=True, slots=True)
class Adapter:
    """One kind of source.

    `decoder` binds the settings (tables are read here, once) and returns the pure decoder; one of a personal source is
    also given what it may do with persons: pseudonyms, a profile, a ledger of what was published.
    `personal` says that messages hold identifiers of persons or of things they carry: the raw bytes then never leave
    this process, not even for the quarantine. With `ticks`, an empty message with `tick` in its metadata comes every so
    many seconds, for decoders that wait for a bin to end. With `settled`, readings whose `dataStatus` is
    provisional and which are older than that never take the place of confirmed ones.
    """

    name: str
    transport: str
    settings: type[SourceSettings]
    decoder: Callable[[Any, Privacy], Decode]
    personal: bool = False
    ticks: float = 0.0
    settled: timedelta | None = None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
