"""Settings of the process, from environment variables `ADAPTERS_*`."""

import os
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.urls import url_of


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
        return url_of(value, "http", "https")

    @field_validator("mqtt_url")
    @classmethod
    def _is_mqtt(cls, value: str) -> str:
        return url_of(value, "mqtt", "mqtts")


def mistakes(error: ValidationError, prefix: str = "ADAPTERS_") -> list[str]:
    """A sentence per wrong variable: its name, which begins with `prefix`, its value and the rule."""
    return [_mistake(prefix, item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()]


def _mistake(prefix: str, where: tuple[int | str, ...], rule: str) -> str:
    if not where:  # a rule about several of them, which names them
        return rule
    name = prefix + str(where[0]).upper()
    # the address of a server may hold a password
    return f"{name}{'' if name.endswith('_URL') else '=' + os.environ.get(name, '')}: {rule}"
