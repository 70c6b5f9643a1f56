"""Notifications by HTTP(S) (GS CIM 009, 6.3.8, 6.3.9)."""

import time
from typing import Final
from urllib.parse import quote

from broker.guard import Refused
from broker.subscriptions.message import SEQUENCE, Headers, Message, NotTaken, signature
from broker.subscriptions.tls import told
from broker.subscriptions.wire import Wire
from ngsi.endpoint import SCHEMES, Address, Endpoint

# answers that say "not now" rather than "never"
_LATER: Final = frozenset({408, 425, 429})
_TAIL: Final = SEQUENCE.encode() + b": %d\r\nContent-Length: %d\r\n\r\n"
_PATH: Final = "/?#[]@!$&'()*+,;=:%~"


class HttpChannel:
    """Posts each notification; any 2xx is a success, redirects are not followed."""

    def __init__(self, wire: Wire, endpoint: Endpoint, headers: Headers, seconds: float) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._seconds = endpoint.timeout or seconds
        self._head = _head(endpoint.address, headers)

    async def send(self, message: Message) -> None:
        """Raises NotTaken."""
        request = self._head + _rest(message, signature(self._endpoint.secrets, message, int(time.time())))
        try:
            status, retry_after = await self._wire.post(self._endpoint.address, request, self._seconds)
        except Refused as error:
            raise NotTaken(str(error)) from None
        except TimeoutError:
            raise NotTaken(f"no answer within {self._seconds:g} s") from None
        except (OSError, ValueError) as error:
            raise NotTaken(f"not reached: {told(error) or f'{type(error).__name__}: {error}'}") from None
        if not 200 <= status < 300:
            refused = 300 <= status < 500 and status not in _LATER
            raise NotTaken(f"HTTP status {status}", refused=refused, wait=_seconds(retry_after))


def _head(address: Address, headers: Headers) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    if address.port != SCHEMES[address.scheme]:
        host = f"{host}:{address.port}"
    lines = [f"POST {quote(address.path, safe=_PATH)} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n").encode()


def _rest(message: Message, signed: Headers) -> bytes:
    extra = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in signed)
    numbers = (message.sequence, len(message.body))
    return extra + b"Via: %b\r\n" % message.via.encode() + _TAIL % numbers + message.body


def _seconds(retry_after: bytes) -> float:
    return float(retry_after) if retry_after.isdigit() and len(retry_after) < 6 else 0.0
