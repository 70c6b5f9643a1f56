"""Where notifications go (GS CIM 009, 5.2.15, 5.2.22, 7.2): checked when it is given, read when it is used."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ngsi.errors import BadRequestData, shown

SCHEMES: Final = {"http": 80, "https": 443, "mqtt": 1883, "mqtts": 8883}
ACCEPTED: Final = ("application/json", "application/ld+json", "application/geo+json")
SECRET: Final = "Webhook-Secret"  # noqa: S105  the name of a key, not a secret
HIDDEN: Final = "***"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name, RFC 9110
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# headers that say how the message itself travels; another's value there would be another's request
_OURS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive"}
    | {"via"}  # without it loops between brokers do not end
)
_CONFIDENTIAL: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-auth-token", "x-api-key"})
_NOTIFIER: Final[dict[str, tuple[str, ...]]] = {
    "MQTT-QoS": ("0", "1", "2"),
    "MQTT-Version": ("mqtt3.1.1", "mqtt5.0"),
}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """An endpoint's URI in parts; `path` is path and query for HTTP, the topic for MQTT."""

    scheme: str
    host: str
    port: int
    path: str
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`timeout` and `cooldown` are seconds here, whatever the wire says; `secrets` are HMAC keys."""

    address: Address
    accept: str
    receiver_info: Pairs
    notifier_info: Pairs
    timeout: float | None
    cooldown: float | None
    secrets: tuple[bytes, ...]

    def notifier(self, key: str, default: str) -> str:
        return next((value for name, value in self.notifier_info if name == key), default)


@lru_cache(maxsize=4096)
def address(uri: str) -> Address:
    """`uri` of an endpoint in parts; raises BadRequestData."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise BadRequestData(f"endpoint.uri: {shown(uri)} is not a URI") from None
    if parts.scheme not in SCHEMES or not parts.hostname or re.search(r"[\s\x00-\x20\x7f]", uri):
        raise BadRequestData(f"endpoint.uri: {shown(uri)} is not a URI of http, https, mqtt or mqtts with a host")
    port = port or SCHEMES[parts.scheme]
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError:
        raise BadRequestData(f"endpoint.uri: {shown(uri)} names no host that there can be") from None
    if parts.scheme.startswith("mqtt"):
        topic = unquote(parts.path[1:])
        if not topic or "+" in topic or "#" in topic or parts.fragment or uri.endswith("#") or "\0" in topic:
            raise BadRequestData(
                f"endpoint.uri: {shown(uri)} names no topic to publish to, or one with a wildcard (7.2)"
            )
        user = unquote(parts.username) if parts.username is not None else None
        password = unquote(parts.password) if parts.password is not None else None
        return Address(parts.scheme, host, port, topic, user, password)
    if parts.username is not None:
        raise BadRequestData("endpoint.uri: credentials go to receiverInfo (a header Authorization), not into the URI")
    path = parts.path or "/"
    return Address(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def uri(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise BadRequestData(f"{field}: {shown(value)} is not a URI")
    address(value)
    return value


def receiver_info(value: Any, field: str) -> list[dict[str, str]]:
    """Pairs that travel as headers (HTTP) or as metadata (MQTT)."""
    found = pairs(value, field)
    for pair in found:
        if not _TOKEN.fullmatch(pair["key"]) or pair["key"].lower() in _OURS:
            raise BadRequestData(f"{field}.key: {shown(pair['key'])} is not a header that a subscriber may set")
    return found


def notifier_info(value: Any, field: str) -> list[dict[str, str]]:
    """Pairs that set up the channel: MQTT-Version, MQTT-QoS (7.2), Webhook-Secret (ours, at most two)."""
    found = pairs(value, field)
    for pair in found:
        allowed = _NOTIFIER.get(pair["key"])
        if allowed and pair["value"] not in allowed:
            raise BadRequestData(f"{field}: {pair['key']} is one of {', '.join(allowed)}, not {shown(pair['value'])}")
        if pair["key"] == SECRET and pair["value"] != HIDDEN:
            _key(pair["value"])
    if sum(pair["key"] == SECRET for pair in found) > 2:
        raise BadRequestData(f"{field}: at most two {SECRET}s are active at a time")
    return found


def pairs(value: Any, field: str) -> list[dict[str, str]]:
    """KeyValuePair[] (5.2.22): strings, without control characters. Some clients write a pair as `{name: value}`."""
    if not isinstance(value, list):
        raise BadRequestData(f"{field}: {shown(value)} is not an array of {{key, value}}")
    value = [_pair(item) for item in value]
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or not isinstance(item.get("value"), str):
            raise BadRequestData(f"{field}: {shown(item)} is not a pair of the strings key and value (5.2.22)")
        if _CONTROL.search(item["key"]) or _CONTROL.search(item["value"]):
            raise BadRequestData(f"{field}: {shown(item['key'])}: a line break or control character in a pair")
    return [{"key": item["key"], "value": item["value"]} for item in value]


def _pair(item: Any) -> Any:
    if not isinstance(item, dict) or len(item) != 1 or not {"key", "value"}.isdisjoint(item):
        return item
    ((key, value),) = item.items()
    return {"key": key, "value": str(value) if isinstance(value, int) else value}


def _key(secret: str) -> bytes:
    """The HMAC key of a Standard Webhooks secret; without the prefix the text itself is the key."""
    if not secret.startswith("whsec_"):
        if len(secret) < 16:
            raise BadRequestData(f"notifierInfo.{SECRET}: shorter than 16 characters")
        return secret.encode()
    try:
        key = base64.b64decode(secret[6:], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestData(f"notifierInfo.{SECRET}: what follows whsec_ is not base64") from None
    if len(key) < 16:
        raise BadRequestData(f"notifierInfo.{SECRET}: the key is shorter than 16 bytes")
    return key


def read(document: Mapping[str, Any]) -> Endpoint:
    """The endpoint of a checked document."""
    timeout, cooldown = document.get("timeout"), document.get("cooldown")
    notifier = tuple((pair["key"], pair["value"]) for pair in document.get("notifierInfo", ()))
    return Endpoint(
        address(document["uri"]),
        document.get("accept", ACCEPTED[0]),
        tuple((pair["key"], pair["value"]) for pair in document.get("receiverInfo", ())),
        tuple(pair for pair in notifier if pair[0] != SECRET),
        timeout / 1000 if timeout is not None else None,
        cooldown / 1000 if cooldown is not None else None,
        tuple(_key(value) for key, value in notifier if key == SECRET),
    )


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """`document` as it may be shown: secrets, credentials and passwords are hidden."""
    result = dict(document)
    for member in ("receiverInfo", "notifierInfo"):
        if member in result:
            result[member] = [_hidden(pair) for pair in result[member]]
    found = address(result["uri"])
    if found.password is not None:
        scheme, _, rest = result["uri"].partition("://")
        credentials, _, place = rest.partition("@")
        result["uri"] = f"{scheme}://{credentials.partition(':')[0]}:{HIDDEN}@{place}"
    return result


def with_secrets(given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, where what `without_secrets` hid comes back from `stored`: one may send back what one was shown.

    Raises BadRequestData for what has nothing stored to stand for.
    """
    result = dict(given)
    for member in ("receiverInfo", "notifierInfo"):
        known: dict[str, list[str]] = {}
        for pair in stored.get(member, ()):
            known.setdefault(pair["key"], []).append(pair["value"])
        if member in result:
            result[member] = [_restored(pair, known) for pair in result[member]]
    if stored and result.get("uri") == without_secrets(stored)["uri"]:
        result["uri"] = stored["uri"]
    elif "uri" in result and address(result["uri"]).password == HIDDEN:
        raise BadRequestData(f"endpoint.uri: the password {HIDDEN} stands for a stored one, and there is none")
    return result


def _hidden(pair: Mapping[str, str]) -> dict[str, str]:
    secret = pair["key"] == SECRET or pair["key"].lower() in _CONFIDENTIAL
    return {"key": pair["key"], "value": HIDDEN if secret else pair["value"]}


def _restored(pair: Mapping[str, str], known: dict[str, list[str]]) -> dict[str, str]:
    if pair["value"] != HIDDEN:
        return dict(pair)
    if not known.get(pair["key"]):
        raise BadRequestData(f"{pair['key']}: {HIDDEN} stands for a stored value, and there is none")
    return {"key": pair["key"], "value": known[pair["key"]].pop(0)}
