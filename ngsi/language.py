"""LanguageProperties in one language: the language filter (GS CIM 009, 4.15; RFC 4647, 3.4)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ngsi.errors import BadRequestData, shown
from ngsi.instance import Attributes, Instance
from ngsi.terms import DEFAULT_DATASET

_RANGE: Final = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


@dataclass(frozen=True, slots=True)
class Languages:
    """Language ranges in lower case, the most wanted first; `refused` are those with weight 0."""

    ranges: tuple[str, ...]
    refused: frozenset[str] = frozenset()

    def choose(self, tags: Iterable[str]) -> str:
        """The one of `tags` (there is at least one) to be shown: looked up, else the default one, else a related one,
        else, when one was asked for, English, else any."""
        known = {tag.lower(): tag for tag in tags}
        for wanted in self.ranges:
            found = _look_up(wanted, known)
            if found is not None:
                return found
        if DEFAULT_DATASET in known:
            return known[DEFAULT_DATASET]
        related = [tag for wanted in self.ranges for tag in known if tag.startswith(wanted + "-")]
        welcome = [tag for tag in known if tag not in self.refused]
        common = [tag for tag in welcome if self.ranges and tag == "en"]
        return known[(related or common or welcome or list(known))[0]]


def parse_languages(text: str) -> Languages:
    """The parameter lang: language ranges with weights, as in an Accept-Language header. Raises BadRequestData."""
    weighted: list[tuple[float, str]] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise BadRequestData(
                f"lang: {shown(part)} is not a language tag with an optional weight, such as fr-CH;q=0.8"
            )
        weighted.append((float(match.group(2) or 1), match.group(1).lower()))
    weighted.sort(key=lambda item: -item[0])  # stable: equal weights stay in the order given
    ranges = tuple(tag for weight, tag in weighted if weight and tag != "*")
    return Languages(ranges, frozenset(tag for weight, tag in weighted if not weight))


def _look_up(wanted: str, known: dict[str, str]) -> str | None:
    """RFC 4647 look-up: the range is cut from its end until it names a tag; single letters go with what follows."""
    parts = wanted.split("-")
    while parts:
        found = known.get("-".join(parts))
        if found is not None:
            return found
        parts.pop()
        while parts and len(parts[-1]) == 1:
            parts.pop()
    return None


def translated(attributes: Attributes, languages: Languages) -> Attributes:
    """`attributes` with every LanguageProperty, sub-attributes too, as a Property in one language."""
    return {iri: [_translated(item, languages) for item in instances] for iri, instances in attributes.items()}


def _translated(instance: Instance, languages: Languages) -> Instance:
    result: Instance = {}
    for member, content in instance.items():
        if ":" in member:
            result[member] = [_translated(item, languages) for item in content]
        elif member == "languageMap":
            tag = languages.choose(content)
            result["value"] = content[tag]
            result["lang"] = tag
        else:
            result[member] = content
    if "languageMap" in instance:
        result["type"] = "Property"
    return result
