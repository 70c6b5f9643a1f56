"""The vocabulary: one dataclass per Smart Data Model, one line per attribute, and the city's @context."""

from models.base import Model, Point, attribute_names, urn, zulu
from models.device import Device
from models.environment import AirQualityObserved
from models.transportation import BikeHireDockingStation, CrowdFlowObserved, Vehicle
from models.weather import WeatherObserved

__all__ = [
    "AirQualityObserved",
    "BikeHireDockingStation",
    "CrowdFlowObserved",
    "Device",
    "Model",
    "Point",
    "Vehicle",
    "WeatherObserved",
    "attribute_names",
    "urn",
    "zulu",
]
