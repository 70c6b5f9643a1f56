"""How bytes arrive. The variants are the rows of `OPEN`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from adapters.contract import Transport
from adapters.privacy.opt_out import OptOut
from adapters.privacy.store import PrivacyStore
from adapters.pseudonym import DayKey
from adapters.quality.score import Scores
from adapters.transports.file import FileSettings, watch
from adapters.transports.mqtt import MqttSettings, subscribe
from adapters.transports.poll import PollSettings, follow
from adapters.transports.webhook import WebhookServer, WebhookSettings, proof_of

Via = Annotated[MqttSettings | WebhookSettings | PollSettings | FileSettings, Field(discriminator="transport")]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What sources share: the servers they talk to, their folder, the key of the day, the ledger of what is public."""

    mqtt_url: str
    data: Path
    webhooks: WebhookServer
    keys: DayKey
    store: PrivacyStore
    scores: Scores
    opt_out: OptOut


def spooled(via: Any, personal: bool) -> bool:
    """Whether messages may wait on our disk: never a file (it waits where it is), never anything personal."""
    return bool(getattr(via, "spool", False)) and not personal


def _mqtt(via: MqttSettings, source: str, personal: bool, around: Surroundings) -> Transport:
    return lambda: subscribe(via, around.mqtt_url, f"yukitsuri-{source}")


def _webhook(via: WebhookSettings, source: str, personal: bool, around: Surroundings) -> Transport:
    proof_of(via, source)  # a token that is not there is a mistake of the file, to be told before anything starts
    around.webhooks.wanted = True
    return lambda: around.webhooks.receive(via, source)


def _poll(via: PollSettings, source: str, personal: bool, around: Surroundings) -> Transport:
    return lambda: follow(via, around.data / "poll" / source)


def _file(via: FileSettings, source: str, personal: bool, around: Surroundings) -> Transport:
    return lambda: watch(via, around.data / "inbox" / source, personal)


OPEN: dict[str, Callable[[Any, str, bool, Surroundings], Transport]] = {
    "mqtt": _mqtt,
    "webhook": _webhook,
    "poll": _poll,
    "file": _file,
}
