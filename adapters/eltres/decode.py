"""ELTRES uplinks to entities (formats document a)."""

from collections.abc import Iterator, Mapping

from adapters.codecs.lpwa.devices import Terminal
from adapters.codecs.lpwa.entities import Network, read_uplinks
from adapters.codecs.lpwa.push import PushNames
from adapters.contract import Decode, DecodeError, Message
from adapters.eltres.uplink import uplinks
from models import Model

NETWORK = Network("eltres")  # the Device model's list of protocols has no ELTRES


def decoder(terminals: Mapping[str, Terminal], names: PushNames) -> Decode:
    """The decoder for these terminals, and for pushes that use these names."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        return read_uplinks(NETWORK, terminals, uplinks(message, names), message.received_at)

    return decode
