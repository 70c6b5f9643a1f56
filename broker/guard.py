"""Which addresses the broker may connect to on behalf of others: a guard against server-side request forgery.

A URL in a request (an @context, a notification endpoint) must not reach into the network behind the broker. The name
is resolved once, every address is looked at, and the caller connects to the address that was checked, not to the
name again: a name that changes its address meanwhile (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))

Address = IPv4Address | IPv6Address


class Refused(Exception):
    """The host is inside, and BROKER_REMOTE_ALLOW does not name it."""


class Guard:
    """Lets public addresses through, and those that `allow` names: networks and host names, separated by commas."""

    def __init__(self, allow: str) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for item in filter(None, (part.strip() for part in allow.split(","))):
            try:
                self._networks.append(ip_network(item, strict=False))
            except ValueError:
                self._hosts.add(item.lower().rstrip("."))

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to, in the resolver's order.

        Numbers in odd forms (`0x7f.1`, `2130706433`) are resolved like names. Raises Refused when one of the
        addresses is inside, OSError when the name is unknown.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that is too long or empty
            raise OSError(f"{host!r} is not a host name") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if host.lower().rstrip(".") not in self._hosts:
            for address in addresses:
                if not self.allows(address):
                    raise Refused(f"{host} is a private address; BROKER_REMOTE_ALLOW may name it")
        return addresses

    def allows(self, address: str) -> bool:
        """Whether the IP `address` (text) is public or named, and so is every address that it stands for."""
        return all(self._named(ip) or _is_public(ip) for ip in _meant(ip_address(address)))

    def _named(self, ip: Address) -> bool:
        return any(ip.version == network.version and ip in network for network in self._networks)


def _is_public(ip: Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def _meant(ip: Address) -> Iterator[Address]:
    """The address itself, or the IPv4 addresses that an IPv6 address carries: what is connected to in the end."""
    if isinstance(ip, IPv4Address):
        yield ip
        return
    carried = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _NAT64):
        carried.append(IPv4Address(int(ip) & 0xFFFF_FFFF))
    if ip in ip_network("::/96") and int(ip) > 1:  # IPv4-compatible, long out of use
        carried.append(IPv4Address(int(ip) & 0xFFFF_FFFF))
    inner = [address for address in carried if address is not None]
    yield from inner or [ip]
