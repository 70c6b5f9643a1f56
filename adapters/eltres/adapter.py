"""ELTRES, Sony's low-power wide-area radio, as its cloud or a gateway delivers it."""

from pathlib import Path

from adapters.contract import Adapter, Decode, Pseudonym, SourceSettings
from adapters.eltres.decode import decoder
from adapters.eltres.devices import read_devices

HERE = Path(__file__).parent


class EltresSettings(SourceSettings):
    """`devices` is the device table (CSV)."""

    devices: Path = HERE / "devices.csv"


def _decoder(settings: EltresSettings, pseudonym: Pseudonym) -> Decode:
    return decoder(read_devices(settings.devices))


ADAPTER = Adapter(name="eltres", transport="mqtt", settings=EltresSettings, decoder=_decoder)
