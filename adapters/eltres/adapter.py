"""ELTRES, Sony's low-power wide-area radio, as its cloud or a gateway delivers it."""

from pathlib import Path

from adapters.codecs.lpwa.devices import TABLE, read_devices
from adapters.codecs.lpwa.push import PushNames
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.eltres.decode import decoder


class EltresSettings(SourceSettings):
    """`devices` is the device table (CSV), `push` the names a JSON push uses where they are not the usual ones."""

    devices: Path = TABLE
    push: PushNames = PushNames()


def _decoder(settings: EltresSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(read_devices(settings.devices), settings.push)


ADAPTER = Adapter(name="eltres", transport="mqtt", settings=EltresSettings, decoder=_decoder)
