"""What is asked of the readings of a type: the `[quality.<Type>]` tables of the source file.

[quality.WeatherObserved]
mode = "flag"                     # observe: only count; flag: mark the attribute; reject: quarantine the entity
schema = "schemas/WeatherObserved.json"   # its Smart Data Model; what it refers to lies in common/ beside it
area = "kanazawa.geojson"         # a polygon, or several, that holds every location
future = 600                      # seconds a reading may lie ahead of its receipt
stale = 86400                     # seconds it may lie behind

[quality.WeatherObserved.attributes]
temperature = { range = [-20, 45], rate = 0.5, stuck = 6 }   # unit per minute; hours with the same value
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AttributeRules(BaseModel):
    """What is asked of one attribute with a number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    range: tuple[float, float] | None = None
    rate: float | None = Field(default=None, gt=0)
    stuck: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> "AttributeRules":
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError(f"range: {self.range[0]:g} is above {self.range[1]:g}")
        return self


class TypeRules(BaseModel):
    """What is asked of the entities of one type, and what happens to those that fail."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    mode: Literal["observe", "flag", "reject"] = "observe"
    schema_file: Path | None = Field(default=None, alias="schema")
    area: Path | None = None
    future: float = Field(default=600.0, ge=0)
    stale: float | None = Field(default=None, gt=0)
    attributes: dict[str, AttributeRules] = Field(default_factory=dict)
