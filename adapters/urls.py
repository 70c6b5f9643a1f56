"""What a URL in a setting must have."""

from urllib.parse import urlsplit


def url_of(value: str, *schemes: str) -> str:
    """`value`, which must be a URL of one of the schemes, with a host. Raises ValueError."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is none
        sound = False
    if not sound:
        starts = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"a URL starts with {starts}, then come a host and maybe a port from 1 to 65535")
    return value
