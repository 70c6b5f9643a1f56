"""Where the broker connects to on behalf of others, and where not."""

import pytest

from broker.guard import Guard, Refused


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not Guard("").allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "133.242.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_pass(address: str) -> None:
    assert Guard("").allows(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "[::1]".strip("[]"), "0"]
)
async def test_every_way_to_write_loopback_is_seen(host: str) -> None:
    with pytest.raises(Refused):
        await Guard("").addresses(host, 80)


async def test_what_is_named_passes() -> None:
    assert await Guard("127.0.0.0/8, ::1/128").addresses("127.1", 80) == ["127.0.0.1"]
    assert "127.0.0.1" in await Guard("LocalHost").addresses("LOCALHOST", 80)
    assert Guard("10.0.0.0/8").allows("::ffff:10.0.0.1")


@pytest.mark.parametrize(
    ("host", "word"),
    [("nowhere.invalid", "Name|name"), ("a" * 80 + ".example", "host name"), ("a..example", "host name")],
)
async def test_unknown_names_are_an_os_error(host: str, word: str) -> None:
    with pytest.raises(OSError, match=word):
        await Guard("").addresses(host, 80)
