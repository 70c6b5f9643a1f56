"""Drops recorded files into the watched folders, some whole, some a few rows at a time."""

import asyncio
import logging
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

RECORDED = files("adapters.demo").joinpath("recordings")


class Recording(NamedTuple):
    """One recorded file: whose inbox it goes to, under which name, and how many rows at a time (0: whole, once)."""

    source: str
    name: str
    data: str
    rows: int = 0


RECORDINGS = (
    Recording("rain-gauge", "rain_municipal.csv", "rain_municipal.csv"),
    Recording("amedas", "precipitation1h_202611210000.csv", "amedas_precipitation1h.csv"),
    Recording("air-quality", "noudoAll_2026061912.csv", "soramame_noudoAll.csv"),
    Recording("water-level", "stage_municipal.csv", "water_municipal.csv"),
    Recording("flatbus", "kanazawa-flatbus.zip", "kanazawa-flatbus.zip"),
    Recording("public-wifi", "130001_public_wireless_lan_20240901.csv", "130001_public_wireless_lan_20240901.csv"),
    Recording("wifi-sensing", "20241017_24.csv", "packet_sensing_20241017_24.csv"),
    Recording("wifi-association", "association_20260619.csv", "wifi_association.csv"),
    Recording("bike-gps", "vehicle_export.csv", "vehicle_export.csv"),
    Recording("air-quality", "nies_clean_17201010.csv", "nies_clean_17201010.csv", rows=2),
    Recording("people-count", "area1_m5.csv", "area1_m5.csv", rows=4),
    Recording("people-count", "area2_m5.csv", "area2_m5.csv", rows=4),
    Recording("people-count", "area3_m5.csv", "area3_m5.csv", rows=4),
    Recording("people-count", "area4_m5.csv", "area4_m5.csv", rows=4),
)


async def drop_files(inbox: Path, pause: float) -> None:
    """Drops every recording, then the next rows of those that go row by row, every `pause` seconds, endlessly.

    A recording that has ended begins anew: the same rows at the same instants, which change nothing.
    """
    running = [(recording, chunks(recording)) for recording in RECORDINGS]
    for recording, parts in running:
        await asyncio.to_thread(_drop, inbox / recording.source, recording.name, next(parts))
    rowwise = [(recording, parts) for recording, parts in running if recording.rows]
    while True:
        await asyncio.sleep(pause)
        for recording, parts in rowwise:
            if not (inbox / recording.source / recording.name).exists():  # the last rows have been taken
                await asyncio.to_thread(_drop, inbox / recording.source, recording.name, next(parts))


def chunks(recording: Recording) -> Iterator[bytes]:
    """The file in parts of `rows` rows, each with the header, over and over."""
    header, *lines = RECORDED.joinpath(recording.data).read_bytes().splitlines(keepends=True)
    step = recording.rows or len(lines)
    while True:
        for start in range(0, len(lines), step):
            yield header + b"".join(lines[start : start + step])


def _drop(folder: Path, name: str, content: bytes) -> None:
    """Writes beside the final name and renames, as a careful sender does."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(content)
    os.replace(unfinished, folder / name)
