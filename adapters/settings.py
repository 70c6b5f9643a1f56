"""Settings of the process, from environment variables `ADAPTERS_*`."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class AdapterSettings(BaseSettings):
    """Where the broker, the MQTT server, the data and the declaration of sources are."""

    model_config = SettingsConfigDict(env_prefix="ADAPTERS_", frozen=True, env_ignore_empty=True, allow_inf_nan=False)

    broker_url: str = "http://127.0.0.1:1026"
    mqtt_url: str = "mqtt://127.0.0.1:1883"
    data: Path = Path("data/adapters")
    sources: Path | None = Field(default=None, description="TOML file of sources; the built-in demo sources when unset")
    webhook_host: str = "127.0.0.1"
    webhook_port: int = Field(default=1030, ge=1, le=65535)
    demo_port: int = Field(default=1040, ge=1, le=65535, description="where the demo feed serves its GBFS documents")
    batch: int = Field(default=200, ge=1, le=1000, description="entities per request to the broker")
    queue: int = Field(default=500, ge=1, description="messages read ahead of the broker, per source")
    spool_after: float = Field(default=5.0, gt=0, description="seconds without the broker until messages go to disk")
    spool_bytes: int = Field(default=1 << 30, ge=1 << 20, description="how large the spool may grow; then sources wait")
    metrics_port: int = Field(default=1032, ge=0, le=65535, description="GET /metrics on loopback; 0 for none")
    timeout: float = Field(default=30.0, gt=0, description="seconds to wait for the broker's answer")

    @field_validator("broker_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        return _url(value, ("http", "https"))

    @field_validator("mqtt_url")
    @classmethod
    def _is_mqtt(cls, value: str) -> str:
        return _url(value, ("mqtt", "mqtts"))


def _url(value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"a URL starts with {' or '.join(f'{scheme}://' for scheme in schemes)}, and a host")
    return value
