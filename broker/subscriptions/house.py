"""What a subscriber needs of the dispatcher that houses it."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from broker.store.dispatch import Letter
from broker.subscriptions.message import Channel
from broker.subscriptions.outbox import Item
from ngsi.entity import Entity
from ngsi.event import Event
from ngsi.notification import Form

if TYPE_CHECKING:
    from broker.subscriptions.subscriber import Subscriber


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an endpoint is waited for, in seconds."""

    first: float
    longest: float
    give_up: float
    attempts: int

    def wait(self, failures: int) -> float:
        """Exponential, with jitter so that many do not come back at once."""
        return float(min(self.longest, self.first * 2 ** min(failures - 1, 30)) * random.uniform(0.5, 1.0))  # noqa: S311


class House(Protocol):
    """The dispatcher, as its subscribers know it."""

    patience: Patience
    alias: str

    def changed(self, subscriber: "Subscriber") -> None: ...
    def hungry(self, subscriber: "Subscriber") -> None: ...
    def bury(self, letter: Letter) -> None: ...
    def finished(self, task: "asyncio.Task[None]") -> None: ...
    async def tools(self, subscriber: "Subscriber") -> tuple[Form, Channel]: ...
    async def remember(self, subscriber: "Subscriber", item: Item) -> None: ...
    async def joined(
        self, subscriber: "Subscriber", form: Form, subjects: Sequence[Event | Entity]
    ) -> Iterable[bytes]: ...
