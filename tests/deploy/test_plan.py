"""What make run's variables mean."""

import socket
from pathlib import Path

import pytest

from deploy.errors import GroundError
from deploy.plan import read
from deploy.ports import next_free


def taken() -> socket.socket:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


@pytest.mark.parametrize(("text", "demo"), [("", True), ("1", True), ("0", False), ("no", False), ("False", False)])
def test_demo(text: str, demo: bool) -> None:
    assert read({"DEMO": text}).demo is demo


def test_a_taken_port_is_stepped_over_and_said(capfd: pytest.CaptureFixture[str]) -> None:
    with taken() as server:
        port = server.getsockname()[1]
        chosen = read({"PORT": str(port)}).ports.broker
    assert chosen > port
    assert f"port {port} (PORT) is taken; using {chosen}" in capfd.readouterr().err


def test_no_two_servers_get_one_port() -> None:
    free = str(next_free(20000))
    ports = read({"PORT": free, "MQTT_PORT": free, "PG_PORT": free}).ports
    assert len({ports.broker, ports.mqtt, ports.postgres}) == 3


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1"])
def test_a_port_is_a_number(text: str) -> None:
    with pytest.raises(GroundError, match="PORT="):
        read({"PORT": text})


def test_the_brokers_own_variables_win() -> None:
    environ = {"BROKER_REMOTE_ALLOW": "10.0.0.0/8", "BROKER_MAX_BODY": "1"}
    made = read(environ).broker_environment("postgresql://x", environ)
    assert made["BROKER_REMOTE_ALLOW"] == "10.0.0.0/8"
    assert made["BROKER_HOST"] == "127.0.0.1"


def test_given_servers_replace_the_embedded_ones() -> None:
    given = {"DATABASE_URL": "postgresql://x", "MQTT_URL": "mqtt://host:1"}
    assert not read(given).embeds
    assert read(given).adapters_environment()["ADAPTERS_MQTT_URL"] == "mqtt://host:1"
    assert all(read({name: given[name]}).embeds for name in given)


def test_data_is_a_folder_of_the_project_or_any_other(tmp_path: Path) -> None:
    assert read({}).data.name == "data"
    assert read({"DATA": str(tmp_path)}).data == tmp_path
