"""The gate each entity of a source passes: checks by type, what they find, and what is done about it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from adapters.quality.area import Area
from adapters.quality.rules import AttributeRules, TypeRules
from adapters.quality.schema import Schema
from adapters.quality.score import Scores

KNOWN = 200_000  # readings remembered for rate and stuck


class Finding(NamedTuple):
    """What is wrong with an attribute. `check` is schema, range, rate, stuck, future, stale or area."""

    attribute: str
    check: str
    about: str


class Verdict(NamedTuple):
    """What was found in an entity, and whether it may not pass for it."""

    findings: list[Finding]
    rejected: bool

    @property
    def reason(self) -> str:
        return "quality: " + "; ".join(f"{each.attribute} {each.about} ({each.check})" for each in self.findings)


class Reading(NamedTuple):
    """The newest value of an attribute, and since when it has been the same."""

    at: datetime
    value: float
    since: datetime


class Gate:
    """The rules of one source, with what they must remember. Raises ValueError or OSError for rules that cannot be."""

    def __init__(self, source: str, rules: Mapping[str, TypeRules], scores: Scores) -> None:
        self._rules = rules
        self._areas = {name: Area(each.area) for name, each in rules.items() if each.area}
        self._schemas = {name: Schema(each.schema_file) for name, each in rules.items() if each.schema_file}
        self._readings: dict[tuple[str, str], Reading] = {}
        self._source, self._scores = source, scores

    def examine(self, entity: dict[str, Any], received_at: datetime) -> Verdict:
        """Checks and counts the entity and, when its type is to be flagged, marks it."""
        rules = self._rules.get(entity["type"])
        if rules is None:
            return Verdict([], rejected=False)
        findings = list(self._findings(entity, rules, received_at))
        readings = sum(1 for member in entity.values() if isinstance(member, dict) and "observedAt" in member)
        self._scores.count(self._source, entity["id"], received_at, readings, [each[:2] for each in findings])
        if rules.mode == "flag":
            _flag(entity, findings)
        return Verdict(findings, rejected=bool(findings) and rules.mode == "reject")

    def scores(self, now: datetime) -> list[dict[str, Any]]:
        """The scores that are due to be told, as entities."""
        return self._scores.due(self._source, now)

    def _findings(self, entity: dict[str, Any], rules: TypeRules, received_at: datetime) -> Iterator[Finding]:
        if schema := self._schemas.get(entity["type"]):
            for name, about in schema.mistakes(entity):
                yield Finding(name, "schema", about)
        if (area := self._areas.get(entity["type"])) and (place := entity.get("location")):
            geometry = place["value"]
            if geometry["type"] == "Point" and not area.holds(*geometry["coordinates"][:2]):
                yield Finding("location", "area", f"{geometry['coordinates']} lies outside the area")
        for name, member in entity.items():
            if isinstance(member, dict) and "observedAt" in member:
                yield from self._of_attribute(entity["id"], name, member, rules, received_at)

    def _of_attribute(
        self, entity_id: str, name: str, member: dict[str, Any], rules: TypeRules, received_at: datetime
    ) -> Iterator[Finding]:
        at = datetime.fromisoformat(member["observedAt"])
        age = (received_at - at).total_seconds()
        if age < -rules.future:
            yield Finding(name, "future", f"is {-age:.0f} s ahead of its receipt")
        if rules.stale is not None and age > rules.stale:
            yield Finding(name, "stale", f"is {age:.0f} s old")
        asked, value = rules.attributes.get(name), member.get("value")
        if asked is not None and isinstance(value, int | float) and not isinstance(value, bool):
            yield from self._of_number((entity_id, name), float(value), at, asked)

    def _of_number(self, key: tuple[str, str], value: float, at: datetime, asked: AttributeRules) -> Iterator[Finding]:
        name = key[1]
        if asked.range is not None and not asked.range[0] <= value <= asked.range[1]:
            yield Finding(name, "range", f"{value:g} lies outside {asked.range[0]:g} to {asked.range[1]:g}")
            return  # no neighbour is measured against it
        last = self._readings.get(key)
        if last is not None and at <= last.at:
            return
        since = last.since if last is not None and last.value == value else at
        self._remember(key, Reading(at, value, since))
        if last is None:
            return
        minutes = (at - last.at).total_seconds() / 60
        if asked.rate is not None and abs(value - last.value) > asked.rate * minutes:
            yield Finding(name, "rate", f"went from {last.value:g} to {value:g} in {minutes:.1f} min")
        hours = (at - since).total_seconds() / 3600
        if asked.stuck is not None and hours > asked.stuck:
            yield Finding(name, "stuck", f"has been {value:g} for {hours:.1f} h")

    def _remember(self, key: tuple[str, str], reading: Reading) -> None:
        if len(self._readings) >= KNOWN and key not in self._readings:
            self._readings.clear()
        self._readings[key] = reading


def _flag(entity: dict[str, Any], findings: list[Finding]) -> None:
    """`quality` beneath each attribute with a finding: the names of the checks it failed."""
    for name in {each.attribute for each in findings}:
        if isinstance(member := entity.get(name), dict):
            checks = sorted({each.check for each in findings if each.attribute == name})
            entity[name] = member | {"quality": {"type": "Property", "value": checks}}
