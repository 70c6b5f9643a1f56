# ruff: noqa: RUF009 (the calls declare fields, as dataclasses.field does)
"""Smart Data Models, dataModel.Alert (CC-BY-4.0)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from models.base import Model, Point, fixed, relates


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Model):
    """A warning and its time. `alert_source` is the URI of what it comes from; severity goes up to critical."""

    TYPE: ClassVar[str] = "Alert"
    INSTANTS: ClassVar[tuple[str, ...]] = ("dateIssued",)

    category: str | None = fixed("category")
    sub_category: str | None = fixed("subCategory")
    severity: str | None = fixed("severity")
    alert_source: str | None = fixed("alertSource")
    name: str | None = fixed("name")
    description: str | None = fixed("description")
    location: Point | None = fixed("location")
    area_served: str | None = fixed("areaServed")
    valid_from: datetime | None = fixed("validFrom")
    valid_to: datetime | None = fixed("validTo")
    cause: str | None = fixed("cause")
    effect: str | None = fixed("effect")
    page: str | None = fixed("page")
    concerns: tuple[str, ...] | None = relates("concerns")
