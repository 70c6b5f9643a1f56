"""The vocabulary: what a model writes, that the schemas accept it, and that the city's context knows every term."""

import json
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

import pytest

import models
from models import (
    WITHHELD,
    AirQualityObserved,
    Alert,
    ArrivalEstimation,
    BikeHireDockingStation,
    CrowdFlowObserved,
    Device,
    Event,
    FloodMonitoring,
    GtfsAgency,
    GtfsRoute,
    GtfsStop,
    GtfsTrip,
    IndoorEnvironmentObserved,
    Model,
    Point,
    PointOfInterest,
    TouristDestination,
    Vehicle,
    WeatherObserved,
    WifiPointOfInterest,
    attribute_names,
    urn,
)
from tests.models.schema import mistakes

AT = datetime(2026, 6, 19, 12, 50, tzinfo=timezone(timedelta(hours=9)))
KANAZAWA = Point(136.6333, 36.5883)
ALL = sorted(
    (
        each
        for each in vars(models).values()
        if isinstance(each, type) and issubclass(each, Model) and each is not Model
    ),
    key=lambda model: model.TYPE,
)
CONTEXT = json.loads(files("models").joinpath("kanazawa.jsonld").read_text())["@context"]

# each with every attribute it has
FULL: list[Model] = [
    WeatherObserved(
        id=urn("WeatherObserved", "amedas", "56227"),
        observed_at=AT,
        name="金沢",
        location=KANAZAWA,
        source="https://www.jma.go.jp/bosai/amedas/",
        station_code="56227",
        temperature=22.8,
        relative_humidity=0.93,
        atmospheric_pressure=1013.25,
        wind_speed=4.2,
        wind_direction=45.0,
        snow_height=0.0,
        precipitation=0.5,
        precipitation_1h=3.0,
        precipitation_24h=12.0,
        precipitation_cumulative=12.5,
    ),
    AirQualityObserved(
        id=urn("AirQualityObserved", "soramame", "17201010"),
        observed_at=AT,
        name="三馬",
        location=KANAZAWA,
        station_code="17201010",
        so2=0.001,
        no=0.0,
        no2=0.004,
        nox=0.004,
        co=0.2,
        co2=612.0,
        photochemical_oxidant=0.041,
        nmhc=0.06,
        ch4=1.98,
        thc=2.04,
        spm=0.012,
        pm25=8.0,
        temperature=23.4,
        relative_humidity=0.61,
        wind_speed=2.1,
        wind_direction=-157.5,
        data_status="provisional",
        aggregation_period="PT1H",
    ),
    BikeHireDockingStation(
        id=urn("BikeHireDockingStation", "docomo-cycle", "00089032"),
        observed_at=AT,
        location=KANAZAWA,
        station_name="まちのり例ポート",
        station_code="00089032",
        provider="まちのり",
        total_slot_number=10,
        available_bike_number=3,
        free_slot_number=7,
        out_of_service_slot_number=0,
        status="working",
    ),
    Vehicle(
        id=urn("Vehicle", "machinori", "p-7f3a"),
        observed_at=AT,
        name="自転車",
        vehicle_type="e-bike",
        category=("public", "tracked"),
        fleet_vehicle_id="p-7f3a",
        location=KANAZAWA,
        position_source="gnss",
        altitude=12.0,
        speed=14.8,
        heading=270.0,
        battery_voltage=26.1,
        service_status="onRoute",
    ),
    CrowdFlowObserved(
        id=urn("CrowdFlowObserved", "wifi", "26"),
        observed_at=AT,
        name="近江町市場",
        location=KANAZAWA,
        date_observed_from=AT - timedelta(minutes=30),
        date_observed_to=AT,
        people_count=181,
    ),
    Device(
        id=urn("Device", "eltres", "0001234ABC"),
        observed_at=AT,
        name="環境センサー",
        category=("sensor",),
        controlled_property=("temperature", "humidity"),
        serial_number="0001234ABC",
        place=KANAZAWA,
        reported_location=KANAZAWA,
        altitude=6.0,
        battery_level=0.5,
        rssi=-110.0,
        channel=2,
        trigger_1=1.5,
        trigger_2=-0.25,
    ),
    FloodMonitoring(
        id=urn("FloodMonitoring", "kanazawa", "okuwa"),
        observed_at=AT,
        name="大桑橋",
        location=KANAZAWA,
        station_id="okuwa",
        river_name="犀川",
        current_level=-0.35,
        level_change=0.02,
        flow=12.5,
        standby_level=1.5,
        alert_level=2.0,
        evacuation_level=2.6,
        danger_level=3.0,
        planned_high_level=4.1,
        status="平常",
        pump_state="停止",
    ),
    IndoorEnvironmentObserved(
        id=urn("IndoorEnvironmentObserved", "lorawan", "room"),
        observed_at=AT,
        location=KANAZAWA,
        ref_device=urn("Device", "lorawan", "0004A30B001C0530"),
        temperature=21.5,
        relative_humidity=0.4,
        illuminance=300.0,
        co2=700.0,
        people_count=3,
    ),
    GtfsAgency(
        id=urn("GtfsAgency", "f", "1"), agency_name="金沢市", source="f", page="https://example.org/", phone="076"
    ),
    GtfsStop(
        id=urn("GtfsStop", "f", "101_01"),
        code="101_01",
        name="金沢駅",
        location=KANAZAWA,
        operated_by=(urn("GtfsAgency", "f", "1"),),
        parent_station=urn("GtfsStop", "f", "101"),
        zone_code="101_01",
        wheelchair_accessible="0",
    ),
    GtfsRoute(
        id=urn("GtfsRoute", "f", "10"), operated_by=urn("GtfsAgency", "f", "1"), name="此花ルート", route_type="3"
    ),
    GtfsTrip(
        id=urn("GtfsTrip", "f", "1"),
        has_route=urn("GtfsRoute", "f", "10"),
        has_service=urn("GtfsService", "f", "全日"),
        head_sign="金沢駅",
        direction=0,
        block="1",
    ),
    ArrivalEstimation(
        id=urn("ArrivalEstimation", "f", "1:2"),
        observed_at=AT,
        has_stop=(urn("GtfsStop", "f", "101_01"),),
        has_trip=urn("GtfsTrip", "f", "1"),
        head_sign="金沢駅",
        remaining_time="PT3M",
        delay=-20,
    ),
    Alert(
        id=urn("Alert", "f", "1"),
        observed_at=AT,
        category="traffic",
        sub_category="roadClosed",
        severity="medium",
        alert_source="https://example.org/alerts",
        valid_from=AT,
        valid_to=AT + timedelta(hours=1),
        concerns=(urn("GtfsRoute", "f", "10"),),
    ),
    PointOfInterest(
        id=urn("PointOfInterest", "172014-aed", "1"),
        name="市役所",
        category=("aed",),
        location=KANAZAWA,
        address={"addressRegion": "石川県", "streetAddress": "広坂1-1-1", "addressLocality": ""},
        contact_point={"telephone": "076-220-2111"},
        capacity=120.0,
        hazards=("flood",),
        child_pads=True,
    ),
    TouristDestination(id=urn("TouristDestination", "172014-tourism", "1"), name="兼六園", location=KANAZAWA),
    Event(
        id=urn("Event", "172014-event", "1"),
        name="百万石まつり",
        start=AT,
        end=AT + timedelta(days=2),
        event_status=("scheduled",),
        free=True,
        capacity=500.0,
    ),
    WifiPointOfInterest(
        id=urn("WifiPointOfInterest", "172014-wifi", "1"),
        name="市役所",
        location=KANAZAWA,
        ssid=("KANAZAWA-FREE-WIFI",),
    ),
]


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.TYPE)
def test_a_full_entity_passes_its_smart_data_models_schema(model: Model) -> None:
    assert mistakes(model.to_ngsi()) == []


def test_the_schemas_can_say_no() -> None:
    wrong = WeatherObserved(id=urn("WeatherObserved", "a", "1"), observed_at=AT, precipitation=-1.0)
    assert len(mistakes(wrong.to_ngsi())) == 2  # no location, negative rain


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.TYPE)
def test_the_city_context_knows_every_term(model: type[Model]) -> None:
    core = {"location", "status", "description"}  # terms of the NGSI-LD core context
    assert attribute_names(model) - core <= CONTEXT.keys()
    assert model.TYPE in CONTEXT


def test_the_city_context_leaves_the_core_terms_alone() -> None:
    core = {
        "id",
        "type",
        "value",
        "object",
        "location",
        "observedAt",
        "unitCode",
        "datasetId",
        "status",
        "scope",
        "description",
    }
    assert not core & CONTEXT.keys()
    assert all(
        iri.startswith(("https://smartdatamodels.org/", "https://w3id.org/yukitsuri/")) for iri in CONTEXT.values()
    )


def test_instants_are_utc_with_z_and_repeated_as_the_model_asks() -> None:
    entity = FULL[0].to_ngsi()
    stamp = "2026-06-19T03:50:00Z"
    assert entity["dateObserved"] == {"type": "Property", "value": stamp, "observedAt": stamp}
    assert entity["temperature"] == {"type": "Property", "value": 22.8, "unitCode": "CEL", "observedAt": stamp}
    assert FULL[2].to_ngsi()["observationDateTime"]["value"] == stamp


def test_a_missing_value_is_no_attribute_and_zero_is_one() -> None:
    entity = WeatherObserved(id="urn:ngsi-ld:WeatherObserved:a:1", observed_at=AT, precipitation=0.0).to_ngsi()
    assert set(entity) == {"id", "type", "dateObserved", "precipitation"}
    assert entity["precipitation"]["aggregationPeriod"] == {"type": "Property", "value": "PT10M"}


def test_what_a_thing_is_carries_no_instant() -> None:
    entity = BikeHireDockingStation(id="urn:ngsi-ld:X:a:1", station_name="港", total_slot_number=5).to_ngsi()
    assert entity == {
        "id": "urn:ngsi-ld:X:a:1",
        "type": "BikeHireDockingStation",
        "stationName": {"type": "Property", "value": "港"},
        "totalSlotNumber": {"type": "Property", "value": 5, "unitCode": "H87"},
    }


def test_what_is_withheld_is_null_where_its_value_would_stand() -> None:
    entity = Vehicle(id="urn:ngsi-ld:Vehicle:a:1", observed_at=AT, has_trip=WITHHELD, speed=WITHHELD).to_ngsi()
    assert entity["hasTrip"] == {"type": "Relationship", "object": "urn:ngsi-ld:null"}
    stamp = "2026-06-19T03:50:00Z"
    assert entity["speed"] == {"type": "Property", "value": "urn:ngsi-ld:null", "observedAt": stamp}


def test_a_qualifier_stands_on_measured_attributes_only() -> None:
    entity = FULL[1].to_ngsi()
    assert entity["so2"]["dataStatus"] == {"type": "Property", "value": "provisional"}
    assert "dataStatus" not in entity["name"]
    assert "dataStatus" not in entity


def test_ids_hold_no_character_a_urn_cannot_hold() -> None:
    assert urn("Device", "eltres", "A/B 金") == "urn:ngsi-ld:Device:eltres:A%2FB%20%E9%87%91"
    assert urn("Device", "my radio", "a:1") == "urn:ngsi-ld:Device:my%20radio:a:1"


def test_fractions_of_seconds_survive() -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    assert (
        Device(id="urn:ngsi-ld:Device:a:1", observed_at=at)
        .to_ngsi()["dateLastValueReported"]["value"]
        .endswith(".250000Z")
    )
