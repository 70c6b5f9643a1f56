"""LoRaWAN through The Things Stack v3 or ChirpStack v4."""

from pathlib import Path

from adapters.codecs.lpwa.devices import TABLE, read_devices
from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.lorawan.decode import decoder


class LorawanSettings(SourceSettings):
    """`devices` is the device table (CSV)."""

    devices: Path = TABLE


def _decoder(settings: LorawanSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(read_devices(settings.devices))


ADAPTER = Adapter(name="lorawan", transport="mqtt", settings=LorawanSettings, decoder=_decoder)
