"""What must be said before a personal source publishes anything, and how its data is made anonymous."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.privacy.mesh import DIGITS

LEAST = 5  # the smallest k of data about persons


class Profile(BaseModel):
    """The `privacy` table of a source.

    `legal_basis` says why the data may be processed at all; `profile` is `aggregate`, or `synthetic` when there is no
    person behind the data. Counts and flows below `k` are withheld. Cells are the spots of the log or, with `mesh`, the
    JIS X 0410 squares of that many metres. A bin is published once, `hold_minutes` after its end; what comes later
    is too late. Raw tracks go to `restricted_tenant` only and expire after `retention_days`; `trim_metres` around their
    start and their end are cut out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    legal_basis: str = ""
    profile: Literal["", "aggregate", "synthetic"] = ""
    k: int = Field(default=10, ge=1)
    flows: bool = True
    mesh: int = 0
    hold_minutes: int = Field(default=10, ge=0, le=1440)
    restricted_tenant: str = Field(default="", pattern=r"^[A-Za-z0-9_]*$")
    retention_days: float = Field(default=7.0, gt=0, le=90)
    trim_metres: float = Field(default=200.0, ge=0)

    @model_validator(mode="after")
    def _sound(self) -> "Profile":
        if self.mesh and self.mesh not in DIGITS:
            raise ValueError(f"mesh: a square of JIS X 0410 has one of the sides {', '.join(map(str, DIGITS))} m")
        if self.profile != "synthetic" and self.k < LEAST:
            raise ValueError(f"k: {self.k} is below {LEAST}, which only synthetic data may be")
        if self.profile != "synthetic" and self.trim_metres < 100:
            raise ValueError("trim_metres: at least 100 m around the ends of a track are cut out")
        return self

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)

    def missing(self, owner: str) -> list[str]:
        """What has not been said yet; with any of it missing, nothing is published."""
        said = {"owner": owner, "privacy.legal_basis": self.legal_basis, "privacy.profile": self.profile}
        return [name for name, value in said.items() if not value]
