"""The vocabulary: one dataclass per Smart Data Model, one line per attribute, and the city's @context."""

from models.alert import Alert
from models.base import WITHHELD, Model, Point, attribute_names, urn, zulu
from models.device import Device
from models.environment import AirQualityObserved, FloodMonitoring, IndoorEnvironmentObserved
from models.flow import OriginDestinationFlow, TrafficFlowObserved
from models.mobility import ArrivalEstimation, GtfsAgency, GtfsRoute, GtfsStop, GtfsTrip
from models.places import Event, PointOfInterest, TouristDestination, WifiPointOfInterest
from models.transportation import BikeHireDockingStation, CrowdFlowObserved, Vehicle
from models.weather import WeatherAlert, WeatherObserved

__all__ = [
    "WITHHELD",
    "AirQualityObserved",
    "Alert",
    "ArrivalEstimation",
    "BikeHireDockingStation",
    "CrowdFlowObserved",
    "Device",
    "Event",
    "FloodMonitoring",
    "GtfsAgency",
    "GtfsRoute",
    "GtfsStop",
    "GtfsTrip",
    "IndoorEnvironmentObserved",
    "Model",
    "OriginDestinationFlow",
    "Point",
    "PointOfInterest",
    "TouristDestination",
    "TrafficFlowObserved",
    "Vehicle",
    "WeatherAlert",
    "WeatherObserved",
    "WifiPointOfInterest",
    "attribute_names",
    "urn",
    "zulu",
]
