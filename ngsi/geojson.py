"""Entities as GeoJSON: Feature and FeatureCollection (GS CIM 009, 4.5.16, 4.5.17; RFC 7946)."""

from collections.abc import Sequence
from typing import Any

from ngsi.geometry import looks_like_geometry
from ngsi.instance import Attributes, dataset


def feature(body: dict[str, Any], geometry: dict[str, Any] | None) -> dict[str, Any]:
    """The Feature of an entity: `body` is the entity in any form, `geometry` its place (None: it has none)."""
    head = {"id": body["id"]} if "id" in body else {}
    properties = {member: value for member, value in body.items() if member != "id"}
    return {**head, "type": "Feature", "geometry": geometry, "properties": properties}


def feature_collection(features: Sequence[Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def place(attributes: Attributes, geometry_property: str) -> dict[str, Any] | None:
    """The geometry of GeoProperty `geometry_property` (an IRI): of its default instance, else of its only one."""
    instances = attributes.get(geometry_property, [])
    chosen = next((item for item in instances if dataset(item) is None), None)
    if chosen is None and len(instances) == 1:
        chosen = instances[0]
    if chosen is None or chosen["type"] != "GeoProperty" or not looks_like_geometry(chosen["value"]):
        return None
    geometry: dict[str, Any] = chosen["value"]
    return geometry
