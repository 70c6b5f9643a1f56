"""What make run was asked for: its variables, the ports that are free, the addresses that follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import GroundError
from deploy.ports import LOOPBACK, Claim, claim_next
from deploy.progress import say

ROOT = Path(__file__).resolve().parent.parent

# which variables name a port, and the port without them
_PORTS = {
    "broker": (("PORT", "BROKER_PORT"), 1026),
    "mqtt": (("MQTT_PORT",), 1883),
    "postgres": (("PG_PORT",), 15432),
    "webhook": (("ADAPTERS_WEBHOOK_PORT",), 1030),
    "demo": (("ADAPTERS_DEMO_PORT",), 1031),
    "metrics": (("ADAPTERS_METRICS_PORT",), 1032),
}
_TOLD = {"PORT", "MQTT_PORT"}  # ports that people type; another one that changed is news only when it was asked for
_NO = {"0", "no", "false", "off"}
# fetching contexts from private addresses is refused otherwise; on one's own machine that is where they are
_LOCAL_REMOTES = "127.0.0.0/8,::1/128,localhost"


@dataclass(frozen=True)
class Ports:
    """Loopback ports, free when they were chosen and claimed as long as this object lives."""

    broker: int
    mqtt: int
    postgres: int
    webhook: int
    demo: int
    metrics: int
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Plan:
    """One instance: its folder, its ports, the servers it was given instead of its own, whether the demo runs."""

    data: Path
    demo: bool
    ports: Ports
    database_url: str | None
    given_mqtt_url: str | None

    @property
    def mqtt_url(self) -> str:
        """Where the MQTT broker listens."""
        return self.given_mqtt_url or f"mqtt://{LOOPBACK}:{self.ports.mqtt}"

    @property
    def embeds(self) -> bool:
        """Whether any unpacked server is needed."""
        return self.database_url is None or self.given_mqtt_url is None

    @property
    def broker_url(self) -> str:
        """Where the broker answers."""
        return f"http://{LOOPBACK}:{self.ports.broker}"

    def broker_environment(self, dsn: str, environ: Mapping[str, str]) -> dict[str, str]:
        """Returns the broker's variables; those that the caller set win, except the two that we chose."""
        defaults = {
            "BROKER_HOST": LOOPBACK,
            "BROKER_REMOTE_ALLOW": _LOCAL_REMOTES,
            "BROKER_CONTEXTS_FOLDER": str(ROOT / "models"),  # the city's @context
        }
        if self.demo:  # a newcomer's first curl names no @context
            defaults["BROKER_DEFAULT_CONTEXT"] = f"{self.broker_url}/contexts/kanazawa.jsonld"
        given = {name: environ[name] for name in defaults if name in environ}
        return {**defaults, **given, "BROKER_PORT": str(self.ports.broker), "BROKER_DATABASE_URL": dsn}

    def adapters_environment(self) -> dict[str, str]:
        """Returns the variables of the adapters and the demo feed."""
        return {
            "ADAPTERS_BROKER_URL": self.broker_url,
            "ADAPTERS_MQTT_URL": self.mqtt_url,
            "ADAPTERS_DATA": str(self.data / "adapters"),
            "ADAPTERS_WEBHOOK_PORT": str(self.ports.webhook),
            "ADAPTERS_DEMO_PORT": str(self.ports.demo),
            "ADAPTERS_METRICS_PORT": str(self.ports.metrics),
        }


def read(environ: Mapping[str, str]) -> Plan:
    """Returns the plan that the variables of make run ask for. Raises GroundError for a wrong port or address."""
    return Plan(
        data=data_folder(environ),
        demo=environ.get("DEMO", "").strip().lower() not in _NO,
        ports=_ports(environ),
        database_url=_server(environ, ("DATABASE_URL", "BROKER_DATABASE_URL"), ("postgresql://", "postgres://")),
        given_mqtt_url=_server(environ, ("MQTT_URL",), ("mqtt://", "mqtts://")),
    )


def data_folder(environ: Mapping[str, str]) -> Path:
    """Returns the folder that DATA names, from the project's folder; data/ without it."""
    return (ROOT / (environ.get("DATA") or "data")).resolve()


def _server(environ: Mapping[str, str], names: tuple[str, ...], schemes: tuple[str, ...]) -> str | None:
    name = next((name for name in names if environ.get(name)), None)
    if name is None:
        return None
    if not environ[name].startswith(schemes):
        raise GroundError(f"{name}: the address of a server starts with {' or '.join(schemes)}")
    return environ[name]


def _ports(environ: Mapping[str, str]) -> Ports:
    claims = {port: _claim(environ, names, default) for port, (names, default) in _PORTS.items()}
    return Ports(**{name: claim.port for name, claim in claims.items()}, claims=tuple(claims.values()))


def _claim(environ: Mapping[str, str], names: tuple[str, ...], default: int) -> Claim:
    name, text = next(((n, environ[n]) for n in names if environ.get(n)), (names[0], str(default)))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise GroundError(f"{name}={text}: a port is a number from 1 to 65535")
    claim = claim_next(int(text))
    if claim.port != int(text) and (name in _TOLD or environ.get(name)):
        say(f"port {text} ({name}) is taken; using {claim.port}")
    return claim
