"""A notification as it goes out, whatever the transport, and the signature of Standard Webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ngsi.event import Event

SEQUENCE: Final = "Notification-Sequence"

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt to send one notification; `via` is the value of the header Via: the brokers it came by, and ours."""

    id: str
    sequence: int
    body: bytes
    via: str


def hops(header: str) -> list[str]:
    """The names of the brokers in the value of a header Via, in order (RFC 9110, 7.6.3)."""
    return [hop.split()[1] for hop in header.split(",") if len(hop.split()) > 1]


def via(events: Sequence[Event], alias: str) -> str:
    """The value of the header Via for a notification of `events`: who brought all of them here, then ourselves.

    One who brought only some of them has not seen the others, and would drop them.
    """
    passed = (events[0].via or "").split() if events else []
    for event in events[1:]:
        passed = [name for name in passed if name in (event.via or "").split()]
    return ", ".join(f"1.1 {name}" for name in (*passed, alias))


class NotTaken(Exception):
    """The endpoint did not take a notification.

    `refused`: it answered that it never will. `wait`: seconds that it wants to be left alone.
    """

    def __init__(self, reason: str, *, refused: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.wait = wait


class Channel(Protocol):
    """The way to one subscription's endpoint."""

    async def send(self, message: Message) -> None:
        """Returns when the endpoint has taken the message; raises NotTaken."""


def signature(secrets: Sequence[bytes], message: Message, timestamp: int) -> Headers:
    """The three headers of Standard Webhooks; one signature per active secret, so that secrets can be rotated."""
    if not secrets:
        return ()
    content = b"%b.%d.%b" % (message.id.encode(), timestamp, message.body)
    signed = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return (
        ("webhook-id", message.id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in signed)),
    )
