"""Settings of the broker: environment variables with the prefix BROKER_."""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import DirectoryPath, Field, FilePath, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, its default and what it means. Durations are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="BROKER_", extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    database_url: str = Field("postgresql://postgres@127.0.0.1:5432/postgres", description="DSN of the database")
    database_connections: int = Field(
        8, ge=2, le=200, description="connections for questions, as many again for history, and nine more"
    )
    database_writers: int = Field(3, ge=1, le=32, description="transactions that may write at the same time")
    statement_timeout: float = Field(
        10, ge=0.001, le=86_400, description="a question that takes longer is refused: TooComplexQuery"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(1026, ge=0, le=65535, description="port to listen on")
    allow_open: bool = Field(
        False, description="listen on an address other than loopback although there is no authentication"
    )
    public_url: str = Field("", description="the URL that clients know the broker by, such as https://city.example")
    expiry_pause: float = Field(5, gt=0, description="expired entities and attributes are cleaned up this often")
    max_body: int = Field(4 * 1024 * 1024, gt=0, description="largest request body")
    max_depth: int = Field(50, gt=0, le=200, description="deepest nesting of arrays and objects in a request body")
    max_batch: int = Field(5000, gt=0, description="most entities in one batch")
    max_limit: int = Field(1000, gt=0, description="largest page")
    wide_queries: bool = Field(
        False, description="answer queries by id alone, or for everything, which the standard refuses and clients ask"
    )
    renderings_size: int = Field(
        32 * 1024 * 1024, ge=0, description="memory for the JSON of entities shown, kept until they change; 0: none"
    )
    max_linked: int = Field(5000, gt=0, description="most linked entities in one answer (join)")
    default_limit: int = Field(20, gt=0, description="page size when the request names none")
    temporal_limit: int = Field(10_000, gt=0, description="most attribute instances in one temporal answer")
    delete_history_with_entity: bool = Field(
        False, description="a deleted entity takes its history with it; else a tombstone is left"
    )
    upkeep_pause: float = Field(60, gt=0, description="time between two rounds of roll-ups, retention and compression")
    log_days: int = Field(7, ge=0, le=36_500, description="days the log of changes is kept, for replay; 0: for ever")
    compress_after_days: int = Field(
        60,
        ge=0,
        le=36_500,
        description="days after which history is compressed, where TimescaleDB's edition can; 0: never",
    )
    aggregation_limit: int = Field(10_000, gt=0, description="most periods in one aggregation")
    aggregation_timezone: str = Field(
        "",
        description="time zone whose days, months and years aggregation periods follow, such as Asia/Tokyo; "
        "empty: periods begin at timeAt, as the standard has it",
    )
    remote_allow: str = Field(
        "", description="private networks or host names @contexts may be fetched from, separated by commas"
    )
    context_timeout: float = Field(5, gt=0, description="time to fetch a remote @context")
    context_size: int = Field(1024 * 1024, gt=0, description="largest remote @context")
    context_ttl: float = Field(3600, gt=0, description="a fetched @context is looked at again after this time")
    notification_timeout: float = Field(5, gt=0, description="an endpoint that takes longer to answer has failed")
    notification_ca: FilePath | None = Field(
        None,
        description="PEM file of certificate authorities that endpoints may have theirs from, besides the system's",
    )
    notification_retry: float = Field(0.5, gt=0, description="wait before the second attempt; doubled each time")
    notification_retry_longest: float = Field(30, gt=0, description="longest wait between two attempts")
    notification_give_up: float = Field(
        86_400, gt=0, description="a notification of a change older than this goes to the dead letters"
    )
    notification_attempts: int = Field(0, ge=0, description="most attempts per notification; 0: time alone decides")
    contexts_folder: DirectoryPath | None = Field(
        None, description="folder whose *.jsonld files are served under /contexts/"
    )
    default_context: str = Field(
        "", description="the @context of requests that name none; empty: the core context only"
    )
    context_source_alias: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]*$", description="name of this context source among others, as Via tells it"
    )
    cors_origins: str = Field(
        "", description="origins whose web pages may use the broker, separated by commas; * for every page"
    )
    gzip_size: int = Field(1024, ge=0, description="answers larger than this are packed for clients that take gzip")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("a DSN starts with postgresql://")
        return value

    @field_validator("public_url", "default_context")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if value and not _is_http(value):
            raise ValueError("a URL starts with http:// or https://, and a host")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for item in _items(value):
            if item != "*" and not (_is_http(item) and urlsplit(item).path in ("", "/")):
                raise ValueError(f"{item} is not an origin such as https://city.example, nor *")
        return value

    @field_validator("remote_allow")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for item in _items(value):
            if "/" in item:  # no host name has one
                ip_network(item, strict=False)
        return value

    @field_validator("aggregation_timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        try:
            return value and ZoneInfo(value).key
        except (ValueError, OSError, KeyError):
            raise ValueError("not a time zone such as Asia/Tokyo") from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _closed_by_default(self) -> "Settings":
        if not self.allow_open and not is_loopback(self.host):
            raise ValueError(
                f"BROKER_HOST={self.host} is open to others and there is no authentication yet; "
                "listen on 127.0.0.1, or say BROKER_ALLOW_OPEN=true when something in front protects the broker"
            )
        return self


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _is_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_loopback(host: str) -> bool:
    """True when `host` names this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1)
def version() -> str:
    """The installed version of the distribution."""
    from importlib.metadata import version as installed

    return installed("yukitsuri")
