"""Sigfox callbacks."""

from pathlib import Path

from adapters.codecs.lpwa.devices import TABLE, read_devices
from adapters.codecs.lpwa.push import PushNames
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.sigfox.decode import decoder


class SigfoxSettings(SourceSettings):
    """`devices` is the device table (CSV), `push` the names the callback's template uses."""

    devices: Path = TABLE
    push: PushNames = PushNames()


def _decoder(settings: SigfoxSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(read_devices(settings.devices), settings.push)


ADAPTER = Adapter(name="sigfox", transport="webhook", settings=SigfoxSettings, decoder=_decoder)
