"""Free TCP ports on loopback."""

import socket
from collections.abc import Collection

from deploy.errors import GroundError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Says whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def next_free(first: int, besides: Collection[int] = (), tries: int = 200) -> int:
    """Returns the first free port from `first` upwards that is not in `besides`. Raises GroundError after many."""
    for port in range(first, min(first + tries, 65536)):
        if port not in besides and is_free(port):
            return port
    raise GroundError(f"no free port from {first} to {first + tries - 1}")
