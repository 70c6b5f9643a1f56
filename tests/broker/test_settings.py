"""The broker's settings: what is wrong is refused at the start, not found out by a user later."""

from typing import Any

import pytest
from pydantic import ValidationError

from broker.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "mysql://h/db"),
        ("database_connections", 1),
        ("statement_timeout", 0),
        ("statement_timeout", 0.00001),  # would be rounded to none at all
        ("statement_timeout", 1e12),  # more than the database can hold
        ("expiry_pause", float("inf")),
        ("notification_give_up", float("nan")),
        ("log_days", 10**10),
        ("public_url", "city.example"),
        ("public_url", "ftp://city.example"),
        ("default_context", "kanazawa.jsonld"),
        ("cors_origins", "https://a.example, b.example"),
        ("cors_origins", "https://a.example/path"),
        ("remote_allow", "10.0.0.0/99"),
        ("aggregation_timezone", "Tokyo"),
        ("contexts_folder", "/no/such/folder"),
        ("log_level", "loud"),
        ("host", "0.0.0.0"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgres://u:p@/db?host=%2Frun"),
        ("public_url", "https://city.example/broker"),
        ("cors_origins", "https://a.example, http://localhost:3000/"),
        ("cors_origins", "*"),
        ("remote_allow", "10.0.0.1/8, ::1, localhost"),
        ("aggregation_timezone", "Asia/Tokyo"),
        ("log_level", "DEBUG"),
        ("host", "::1"),
    ],
)
def test_a_value_that_can_be_meant_is_taken(name: str, value: Any) -> None:
    Settings(**{name: value})


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PORT", "")
    monkeypatch.setenv("BROKER_CONTEXTS_FOLDER", "")
    assert (Settings().port, Settings().contexts_folder) == (1026, None)
