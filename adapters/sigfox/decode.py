"""Sigfox callbacks to entities (formats document a.4). Their body is a template, so its names are settings."""

from collections.abc import Iterator, Mapping

from adapters.codecs.lpwa.devices import Terminal
from adapters.codecs.lpwa.entities import Network, read_uplinks
from adapters.codecs.lpwa.push import PushNames, pushed
from adapters.contract import Decode, DecodeError, Message
from models import Model

NETWORK = Network("sigfox", ("sigfox",))


def decoder(terminals: Mapping[str, Terminal], names: PushNames) -> Decode:
    """The decoder for these terminals, and for callbacks that use these names."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        return read_uplinks(NETWORK, terminals, pushed(message.body, names), message.received_at)

    return decode
