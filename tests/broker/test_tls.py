"""Endpoints by HTTPS and MQTTS, with certificates of a real authority, and with such as are not to be trusted."""

import asyncio
import hashlib
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import orjson
import pytest
from pydantic import ValidationError

from broker.settings import Settings
from deploy.account import server_account
from deploy.ports import is_free
from deploy.servers import install
from tests.broker.running import free_port, inside
from tests.broker.sink import Sink, until
from tests.broker.subscribing import ID, create, set_to, subscribe

trustme = pytest.importorskip("trustme", reason="trustme makes the certificates; it comes with the extra dev")

USER, PASSWORD = "city", "a:b@c/d é"


@pytest.fixture
def authority() -> Any:
    return trustme.CA()


def notifying(dsn: str, ca: Path | None) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A broker that trusts the authorities of the file `ca`."""
    return inside(dsn, remote_allow="127.0.0.0/8,::1", notification_retry=0.1, notification_ca=ca)


def file_of(authority: Any, folder: Path) -> Path:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_context(authority: Any, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def failure(client: httpx.AsyncClient) -> str:
    """Why the last notification was not taken, once the status says that it was not."""
    for _ in range(400):
        account = (await client.get(f"/subscriptions/{ID}/account")).json()
        if "failure" in account:
            assert (await client.get(f"/subscriptions/{ID}")).json()["notification"]["status"] == "failed"
            return str(account["failure"])
        await asyncio.sleep(0.05)
    raise AssertionError("nothing failed")


async def test_https_with_a_certificate_of_the_citys_own_authority(dsn: str, authority: Any, tmp_path: Path) -> None:
    async with (
        Sink(tls=server_context(authority, "localhost")) as sink,
        notifying(dsn, file_of(authority, tmp_path)) as client,
    ):
        await subscribe(client, sink)
        await create(client, a=1)
        await set_to(client, a=2)
        taken = await sink.wait(2)
        assert [item.data[0]["a"]["value"] for item in taken] == [1, 2]
        assert (await client.get(f"/subscriptions/{ID}/account")).json().get("failure") is None


@pytest.mark.parametrize(
    ("name", "known", "word"), [("localhost", False, "issuer"), ("other.example", True, "localhost")]
)
async def test_a_certificate_that_is_not_to_be_trusted_is_told_of(
    dsn: str, authority: Any, tmp_path: Path, name: str, known: bool, word: str
) -> None:
    trusted = authority if known else trustme.CA()
    async with (
        Sink(tls=server_context(authority, name)) as sink,
        notifying(dsn, file_of(trusted, tmp_path)) as client,
    ):
        await subscribe(client, sink)
        await create(client, a=1)
        told = await failure(client)
        assert told.startswith("not reached: its certificate is not to be trusted: ")
        assert word in told
        assert not sink.requests


async def test_an_endpoint_that_speaks_no_tls_is_told_of(dsn: str) -> None:
    async with Sink() as sink, notifying(dsn, None) as client:
        await subscribe(
            client, sink, notification={"endpoint": {"uri": f"https://localhost:{sink.port}/", "timeout": 500}}
        )
        await create(client, a=1)
        assert await failure(client)


@contextmanager
def mosquitto(folder: Path, certificate: Any) -> Iterator[int]:
    """A server that takes TLS and one user only; its port."""
    port = free_port()
    key, chain, users, settings = (folder / name for name in ("key.pem", "chain.pem", "users", "mosquitto.conf"))
    certificate.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    salt = b"twelve bytes"
    hashed = hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, 101)
    users.write_text(f"{USER}:$7$101${b64encode(salt).decode()}${b64encode(hashed).decode()}\n")
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\ncertfile {chain}\nkeyfile {key}\n"
    )
    for place in (folder, *folder.parents[:2], key, chain, users, settings):
        place.chmod(0o755)  # the server runs as another user when the tests run as root
    program = [*server_account().prefix, str(install().mosquitto), "-c", str(settings)]
    process = subprocess.Popen(program)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def listening(port: int, ca: Path, topic: str) -> AsyncIterator[aiomqtt.Client]:
    context = ssl.create_default_context(cafile=str(ca))
    for _ in range(100):
        client = aiomqtt.Client("localhost", port, username=USER, password=PASSWORD, tls_context=context)
        try:
            await client.__aenter__()
            break
        except aiomqtt.MqttError:
            await asyncio.sleep(0.1)
    await client.subscribe(topic, qos=1)
    yield client
    await client.__aexit__(None, None, None)


@pytest.mark.parametrize("version", ["mqtt3.1.1", "mqtt5.0"])
async def test_mqtts_with_a_password(dsn: str, authority: Any, tmp_path: Path, sink: Sink, version: str) -> None:
    ca = file_of(authority, tmp_path)
    with mosquitto(tmp_path, authority.issue_cert("localhost")) as port:
        async with notifying(dsn, ca) as client, listening(port, ca, "city/#") as listener:
            endpoint = {
                "uri": f"mqtts://{USER}:a%3Ab%40c%2Fd%20%C3%A9@localhost:{port}/city/rooms",
                "notifierInfo": [{"key": "MQTT-QoS", "value": "1"}, {"key": "MQTT-Version", "value": version}],
            }
            await subscribe(client, sink, notification={"endpoint": endpoint})
            await create(client, a=1)
            async with asyncio.timeout(20):
                message = await anext(aiter(listener.messages))
            told = orjson.loads(bytes(message.payload))
            assert told["body"]["data"][0]["a"]["value"] == 1
            assert told["metadata"]["Content-Type"] == "application/json"


async def test_mqtts_that_is_not_to_be_trusted_and_a_wrong_password_are_told_of(
    dsn: str, authority: Any, tmp_path: Path, sink: Sink
) -> None:
    with mosquitto(tmp_path, authority.issue_cert("localhost")) as port:
        uri = f"mqtts://{USER}:wrong@localhost:{port}/city/rooms"
        await until(lambda: not is_free(port))
        async with notifying(dsn, None) as client:
            await subscribe(client, sink, notification={"endpoint": {"uri": uri}})
            await create(client, a=1)
            assert (await failure(client)).startswith("not published: its certificate is not to be trusted: ")
            assert (await client.delete(f"/subscriptions/{ID}")).status_code == 204
        async with notifying(dsn, file_of(authority, tmp_path)) as client:
            await subscribe(client, sink, notification={"endpoint": {"uri": uri}})
            await set_to(client, a=2)
            assert "uthori" in await failure(client)  # not authorised, in the words of either version


def test_a_file_of_authorities_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError, match="notification_ca"):
        Settings(notification_ca="/nowhere/ca.pem")
