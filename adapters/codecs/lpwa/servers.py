"""What LoRaWAN network servers send as JSON: The Things Stack v3 and ChirpStack v4, by MQTT or webhook alike.

Both leave out what is zero, false or empty: a frame counter, a port, a payload. Told apart by their members.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.codecs.instants import moment
from adapters.codecs.lpwa.push import at_path
from adapters.codecs.lpwa.uplink import Uplink
from adapters.codecs.number import Range, within
from adapters.codecs.station import place
from adapters.contract import DecodeError

# Messages about the radio and the way down, which say nothing of the city; their deliveries need no entity.
TTS_PASSED = frozenset(
    [
        "downlinks",
        "downlink_ack",
        "downlink_nack",
        "downlink_sent",
        "downlink_failed",
        "downlink_queued",
        "downlink_queue_invalidated",
        "service_data",
        "uplink_normalized",
    ]
)
CHIRPSTACK_PASSED = frozenset(["log", "ack", "txack", "integration"])
# Where The Things Stack knows a place from, if a frame itself said it.
_OF_THE_FRAME = ("frm-payload", "location-solved")


def read_message(value: Any, topic: str, delivery: bytes) -> Uplink | None:
    """The uplink, None for a message that is passed over. Raises DecodeError when it is of neither server."""
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]  # as the storage integration and the event stream wrap it
    if not isinstance(value, dict):
        raise DecodeError("message", value, "is no JSON object")
    for member, read in SERVERS.items():
        if isinstance(value.get(member), dict):
            return read(value, topic, delivery)
    raise DecodeError("message", sorted(value), f"has none of {', '.join(SERVERS)}, so no server known sent it")


def _things_stack(value: Mapping[str, Any], topic: str, delivery: bytes) -> Uplink | None:
    ids = value["end_device_ids"]
    terminals = _names(ids.get("dev_eui"), ids.get("device_id"))
    if "uplink_message" in value:
        up = value["uplink_message"]
        if not isinstance(up, dict):
            raise DecodeError("uplink_message", up, "is no JSON object")
        return Uplink(
            terminals=terminals,
            payload=_bytes(up.get("frm_payload", "")),
            decoded=_object(up.get("decoded_payload")),
            sent_at=moment("received_at", up.get("received_at") or value.get("received_at")),
            location=_spot(_object(up.get("locations")) or {}),
            about=_radio(up.get("rx_metadata"), "rssi", "snr")
            | _battery(at_path(up, ("last_battery_percentage.value",)), 100),
            delivery=delivery,
        )
    if "join_accept" in value:
        at = moment("received_at", at_path(value, ("join_accept.received_at", "received_at")))
        return Uplink(terminals=terminals, sent_at=at, about={"device_state": "joined"}, delivery=delivery)
    if "location_solved" in value:
        solved = _object(at_path(value, ("location_solved.location",))) or {}
        return Uplink(
            terminals=terminals,
            sent_at=moment("received_at", value.get("received_at")),
            location=place(solved.get("latitude"), solved.get("longitude")),
            delivery=delivery,
        )
    if TTS_PASSED & value.keys():
        return None
    raise DecodeError("message", sorted(value), "is no message of The Things Stack v3 that is known")


def _chirpstack(value: Mapping[str, Any], topic: str, delivery: bytes) -> Uplink | None:
    info = value["deviceInfo"]
    event = topic.rpartition("event=")[2] if "event=" in topic else topic.rpartition("/")[2]
    if event in CHIRPSTACK_PASSED:
        return None
    # Only the path of a webhook tells the event, and a path may be lost on the way: then the members do.
    about = _radio(value.get("rxInfo"), "rssi", "snr")
    if not value.get("batteryLevelUnavailable") and "batteryLevel" in value:
        about |= _battery(value["batteryLevel"], 100)
    if event == "join":
        about["device_state"] = "joined"
    solved = _object(value.get("location")) or {}
    return Uplink(
        terminals=_names(info.get("devEui"), info.get("deviceName")),
        payload=_bytes(value.get("data") or ""),
        decoded=_object(value.get("object")),
        sent_at=moment("time", value.get("time")),
        location=place(solved.get("latitude"), solved.get("longitude")),
        about=about,
        delivery=delivery,
    )


SERVERS: dict[str, Callable[[Mapping[str, Any], str, bytes], Uplink | None]] = {
    "end_device_ids": _things_stack,
    "deviceInfo": _chirpstack,
}


def _names(*names: Any) -> tuple[str, ...]:
    found = tuple(name.upper() for name in names if isinstance(name, str) and name)
    if not found:
        raise DecodeError("device", names, "has neither an EUI nor a name")
    return found


def _bytes(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NoBase64, ValueError, TypeError):
        raise DecodeError("payload", text, "is no base64") from None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and value else None


def _radio(receptions: Any, rssi: str, snr: str) -> dict[str, Any]:
    """The best of what the gateways heard."""
    heard: Iterable[Any] = receptions if isinstance(receptions, list) else ()
    best: dict[str, Any] = {}
    for name, member in (("rssi", rssi), ("snr", snr)):
        values = [each.get(member) for each in heard if isinstance(each, dict)]
        numbers = [float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
        if numbers:
            best[name] = max(numbers)
    return best


def _battery(value: Any, whole: float) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return {}
    return {"battery_level": within("batteryLevel", float(value), Range(0, whole)) / whole}


def _spot(locations: Mapping[str, Any]) -> Any:
    found = next((locations[name] for name in _OF_THE_FRAME if isinstance(locations.get(name), dict)), None)
    return place(found.get("latitude"), found.get("longitude")) if found else None
