"""Provenance: with the first appearance of an entity, not with every reading."""

from typing import Any

from adapters.provenance import AGAIN, Provenance


def stamped(provenance: Provenance, tenant: str = "", **members: Any) -> dict[str, Any]:
    entity = {"id": "urn:ngsi-ld:Device:a", "type": "Device"} | members
    provenance.stamp(entity, tenant)
    return entity


def test_the_first_entity_says_where_it_comes_from() -> None:
    provenance = Provenance("rain", "金沢市", "CC-BY-4.0", 1)
    assert stamped(provenance)["source"] == {
        "type": "Property",
        "value": "rain",
        "dataProvider": {"type": "Property", "value": "金沢市"},
        "license": {"type": "Property", "value": "CC-BY-4.0"},
        "confidentialityLevel": {"type": "Property", "value": 1},
    }
    assert "source" not in stamped(provenance)
    assert "source" in stamped(provenance, tenant="other")


def test_it_is_said_again_after_an_hour() -> None:
    now = [1.0]
    provenance = Provenance("rain", "", "", 3, clock=lambda: now[0])
    assert set(stamped(provenance)["source"]) == {"type", "value", "confidentialityLevel"}
    now[0] += AGAIN + 1
    assert "source" in stamped(provenance)


def test_an_entity_that_names_its_source_keeps_it() -> None:
    told = stamped(Provenance("rain", "金沢市", "", 3), source={"type": "Property", "value": "https://example.jp"})
    assert told["source"]["value"] == "https://example.jp"
    assert told["source"]["dataProvider"]["value"] == "金沢市"
