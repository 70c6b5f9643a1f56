"""Free TCP ports on loopback."""

import socket

from deploy.errors import GroundError

LOOPBACK = "127.0.0.1"


class Claim:
    """A free port that no other instance takes until this process ends, although nothing listens on it yet.

    The claim is a socket name in Linux's abstract namespace: seen by every user, gone with its process.
    """

    def __init__(self, port: int) -> None:
        """Raises OSError when another process has claimed the port."""
        self.port = port
        self._name = socket.socket(socket.AF_UNIX)
        try:
            self._name.bind(f"\0yukitsuri port {port}")
        except OSError:
            self._name.close()
            raise

    def release(self) -> None:
        """Lets others claim the port."""
        self._name.close()


def is_free(port: int) -> bool:
    """Says whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def claim_next(first: int, tries: int = 200) -> Claim:
    """Claims the first free port from `first` upwards. Raises GroundError when there is none among `tries`."""
    for port in range(first, min(first + tries, 65536)):
        try:
            claim = Claim(port)
        except OSError:
            continue
        if is_free(port):
            return claim
        claim.release()
    raise GroundError(f"no free port from {first} to {first + tries - 1}")


def next_free(first: int) -> int:
    """Returns a free port without keeping it claimed, for those who try again when it is taken meanwhile."""
    claim = claim_next(first)
    claim.release()
    return claim.port
