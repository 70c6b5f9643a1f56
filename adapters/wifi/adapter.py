"""Wi-Fi logs, counted per spot and time bin. No device ever becomes an entity."""

from pathlib import Path

from pydantic import Field

from adapters.codecs.station import read_stations
from adapters.codecs.table import rows_of
from adapters.contract import Adapter, Decode, SourceSettings
from adapters.privacy.guard import Privacy
from adapters.wifi.decode import decoder

HERE = Path(__file__).parent


class WifiSettings(SourceSettings):
    """`bin_minutes` is the length of a count, `utc_offset` the zone of the log in hours.

    `access_points` says which access point (id, MAC or NAS-Identifier) stands at which spot: CSV `accessPoint,spot`.
    `secret` is the one agreed with a Meraki controller; pushes without it are refused.

    A device seen in at least `resident_share` of the hours of a log of `resident_hours` or more is equipment.
    """

    source: str = "wifi"
    spots: Path = HERE / "spots.csv"
    access_points: Path = HERE / "access_points.csv"
    secret: str = ""
    bin_minutes: int = Field(default=30, ge=5, le=1440)
    utc_offset: int = Field(default=9, ge=-12, le=14)
    resident_share: float = Field(default=0.8, gt=0, le=1)
    resident_hours: int = Field(default=4, ge=1)


def _decoder(settings: WifiSettings, privacy: Privacy) -> Decode:
    spots = read_stations(settings.spots)
    return decoder(settings, spots, _access_points(settings.access_points, {spot.code for spot in spots}), privacy)


def _access_points(path: Path, spots: set[str]) -> dict[str, str]:
    """Access point to spot. Raises ValueError naming the first bad row, OSError without a file."""
    found = {}
    for row in rows_of(path, {"access_point": ("accessPoint",), "spot": ("spot",)}, ("access_point", "spot")):
        access_point, spot = row.cells["access_point"].strip(), row.cells["spot"].strip()
        if spot not in spots:
            raise ValueError(f"{path.name}: spot {spot} of access point {access_point} is not in the table of spots")
        found[access_point] = spot
    return found


ADAPTER = Adapter(name="wifi", transport="file", settings=WifiSettings, decoder=_decoder, personal=True, ticks=60.0)
