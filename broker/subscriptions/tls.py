"""TLS to endpoints: whose certificates are believed, and what is said of one that is not."""

import ssl
from pathlib import Path
from typing import Any


class _Named(ssl.SSLContext):
    """Checks the certificate of the host that was asked for, whatever address is connected to."""

    host: str = ""

    def wrap_socket(self, *given: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*given, **{**more, "server_hostname": self.host})


def trusting(authorities: Path | None) -> ssl.SSLContext:
    """Believes the system's authorities and those of the PEM file `authorities`. Raises OSError."""
    context = ssl.create_default_context()
    _add(context, authorities)
    return context


def trusting_as(host: str, authorities: Path | None) -> ssl.SSLContext:
    """The same, for a library that is given an address to connect to instead of the name `host`."""
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    _add(context, authorities)
    context.host = host
    return context


def _add(context: ssl.SSLContext, authorities: Path | None) -> None:
    if authorities is not None:
        context.load_verify_locations(cafile=authorities)


def told(error: BaseException | None) -> str | None:
    """Why a certificate was not believed; None when `error` is about something else."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return None if error is None else f"its certificate is not to be trusted: {error.verify_message}"
