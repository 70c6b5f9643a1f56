"""NIES 環境展望台, daily means per station as prepared by public tools (formats document c.2).

The station stands in the file's name. Units are the institute's integer scales: SO2, NO, NO2, NOX, OX in ppb, CO in
0.1 ppm, NMHC, CH4, THC in 10 ppbC, SPM in µg/m³. A value of 9000 and more is a code for a missing one. A day's mean is
observed at its end, 24:00 Japanese time; it has an entity of its own, apart from the station's hours.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from adapters.codecs.cells import Cells, Quantity
from adapters.codecs.jst import local, plausible
from adapters.codecs.number import Range
from adapters.codecs.station import Station
from adapters.codecs.table import Row, read_rows, rows
from adapters.contract import DecodeError, Message
from models import AirQualityObserved, Model, urn

CODES = 9000
_POSSIBLE = Range(-100, 99_999)

# field of the model: column, and how many of its units make one of the model's
ITEMS = {
    "so2": ("SO2_mean", 1000),
    "no": ("NO_mean", 1000),
    "no2": ("NO2_mean", 1000),
    "nox": ("NOX_mean", 1000),
    "co": ("CO_mean", 10),
    "photochemical_oxidant": ("OX_mean", 1000),
    "nmhc": ("NMHC_mean", 100),
    "ch4": ("CH4_mean", 100),
    "thc": ("THC_mean", 100),
    "spm": ("SPM_mean", 1000),
    "pm25": ("PM25_mean", 1),
    "temperature": ("TEMP_mean", 1),
    "relative_humidity": ("HUM_mean", 100),
}
QUANTITIES = {field: Quantity(_POSSIBLE) for field in ITEMS}
COLUMNS = {"date": ("date",)} | {field: (column,) for field, (column, _) in ITEMS.items()}
_STATION = re.compile(r"(?<!\d)(\d{8})(?!\d)")


def daily(message: Message, stations: Mapping[str, Station], prefecture: str) -> Iterator[Model | DecodeError]:
    """One entity per day. Raises DecodeError when the name holds no station of the table."""
    match = _STATION.search(message.topic)
    if match is None or match[1] not in stations:
        raise DecodeError("file name", message.topic, "holds no station code of the station table")
    station = stations[match[1]]

    def read(row: Row) -> Iterator[Model | DecodeError]:
        end = plausible("date", local("date", row.cells["date"]) + timedelta(days=1), message.received_at)
        cells = Cells()
        found = cells.quantities(row.cells, QUANTITIES)
        values: dict[str, Any] = {
            field: round(value / ITEMS[field][1], 8) for field, value in found.items() if value < CODES
        }
        yield AirQualityObserved(
            id=urn("AirQualityObserved", "nies-daily", station.code),
            observed_at=end,
            name=station.name or None,
            location=station.location,
            station_code=station.code,
            data_status="confirmed",
            aggregation_period="P1D",
            **values,
        )
        yield from cells.errors

    return read_rows(rows(message.body, COLUMNS, ("date",)), read)
