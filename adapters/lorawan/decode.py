"""LoRaWAN uplinks to entities, from The Things Stack v3 and ChirpStack v4 (formats document a.4)."""

from collections.abc import Iterator, Mapping

from adapters.codecs.documents import parsed
from adapters.codecs.lpwa.devices import Terminal
from adapters.codecs.lpwa.entities import Network, read_uplinks
from adapters.codecs.lpwa.servers import read_message
from adapters.codecs.lpwa.uplink import Uplink
from adapters.contract import Decode, DecodeError, Message
from models import Model

NETWORK = Network("lorawan", ("lora",))


def decoder(terminals: Mapping[str, Terminal]) -> Decode:
    """The decoder for these terminals, known by their EUI or by the name the network server has for them."""

    def decode(message: Message) -> Iterator[Model | DecodeError]:
        return read_uplinks(NETWORK, terminals, _uplinks(message), message.received_at)

    return decode


def _uplinks(message: Message) -> Iterator[Uplink | DecodeError]:
    """One message, or one a line as the storage integration gives them."""
    body = message.body.strip()
    lines = body.split(b"\n") if body.startswith(b'{"result"') else [body]
    for line in lines:
        if not line.strip():
            continue
        value = parsed(line, "message")
        try:
            uplink = read_message(value, message.topic, line)
        except DecodeError as error:
            yield error.of_row(line)
            continue
        if uplink is not None:
            yield uplink
