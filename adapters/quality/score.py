"""How good the readings of a station were on a day: an entity of its own, `DataQualityAssessment`.

    score              the share of readings in which nothing was found, 0 to 1
    assessedReadings   how many were looked at; findings: how many times each check found something
    assesses           the station's entity

Days are Japan's. Counts survive a restart; a message that comes twice is counted twice.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from adapters.codecs.jst import JST
from adapters.disk import put, remembered
from models import zulu

EVERY = timedelta(minutes=1)  # how often a station's score is told
KEPT = timedelta(days=2)


@dataclass(slots=True)
class Tally:
    """The counts of one station on one day."""

    readings: int = 0
    bad: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    told: bool = False


class Scores:
    """The counts of all sources; `path` keeps them through a restart, None does not."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._due: dict[str, datetime] = {}
        self._tallies: dict[tuple[str, str, str], Tally] = {}
        for source, station, day, readings, bad, findings in (path and remembered(path)) or ():
            self._tallies[source, station, day] = Tally(readings, bad, Counter(findings), told=True)

    def count(
        self, source: str, station: str, received_at: datetime, readings: int, findings: Sequence[tuple[str, str]]
    ) -> None:
        """Adds the readings of an entity and what was found in them: (attribute, check)."""
        day = received_at.astimezone(JST).date().isoformat()
        tally = self._tallies.setdefault((source, station, day), Tally())
        tally.readings += readings
        tally.bad += min(len({attribute for attribute, _ in findings}), readings)
        tally.findings.update(check for _, check in findings)
        tally.told = False

    def due(self, source: str, now: datetime) -> list[dict[str, Any]]:
        """The scores of the source that changed since they were told, once a minute."""
        if now < self._due.get(source, now):
            return []
        self._due[source] = now + EVERY
        told = []
        for (of, station, day), tally in list(self._tallies.items()):
            if of == source and not tally.told:
                tally.told = True
                told.append(_entity(source, station, day, tally, now))
            elif day < (now - KEPT).astimezone(JST).date().isoformat():
                del self._tallies[of, station, day]
        if told:
            self._save()
        return told

    def _save(self) -> None:
        if self._path is None:
            return
        rows = [(*key, each.readings, each.bad, each.findings) for key, each in self._tallies.items()]
        put(self._path, orjson.dumps(rows))


def _entity(source: str, station: str, day: str, tally: Tally, now: datetime) -> dict[str, Any]:
    def observed(value: Any, **more: str) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": zulu(now), **more}

    return {
        "id": f"urn:ngsi-ld:DataQualityAssessment:{source}:{station.removeprefix('urn:ngsi-ld:')}:{day}",
        "type": "DataQualityAssessment",
        "assesses": {"type": "Relationship", "object": station},
        "dateObserved": {"type": "Property", "value": day},
        "score": observed(round(1 - tally.bad / max(tally.readings, 1), 4), unitCode="C62"),
        "assessedReadings": observed(tally.readings),
        "findings": observed(dict(tally.findings)),
    }
