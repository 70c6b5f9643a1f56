"""How the sender of a push shows who it is: by headers it must send, by a signature of the body, or not at all."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple


class Proof(NamedTuple):
    """`headers` must have these values; with `secret`, `signature_header` must sign the body (HMAC-SHA256)."""

    headers: Mapping[str, str]
    secret: str = ""
    signature_header: str = ""

    def shown(self, headers: Mapping[str, str]) -> bool:
        return all(_same(headers.get(name, ""), wanted) for name, wanted in self.headers.items())

    def signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the signature is the body's, in hex or base64, with `sha256=` before it or not."""
        if not self.secret:
            return True
        told = headers.get(self.signature_header, "").removeprefix("sha256=")
        digest = hmac.digest(self.secret.encode(), body, "sha256")
        return _same(told.lower(), digest.hex()) or _same(told, b64encode(digest).decode())


def basic(credentials: str) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


def _same(shown: str, wanted: str) -> bool:
    # headers are bytes; what is no Latin-1 cannot have come in one
    return hmac.compare_digest(shown.encode("latin-1", "replace"), wanted.encode())
