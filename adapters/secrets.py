"""Secrets stay out of the file of sources: it says where they are, and they are read when a source is bound.

    token = { from_file = "/run/secrets/push-token" }
    password = { from_env = "MQTT_PASSWORD" }
    headers.Authorization = { from_env = "CITY_API_TOKEN", prefix = "Bearer " }

Such a table may stand wherever `settings` or `via` take a text.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WAYS = ("from_env", "from_file")


def revealed(value: Any) -> Any:
    """The value with the secrets in it. Raises LookupError naming a variable that holds none, OSError for a file."""
    if isinstance(value, Mapping):
        if any(way in value for way in WAYS):
            return _secret(value)
        return {name: revealed(member) for name, member in value.items()}
    return [revealed(each) for each in value] if isinstance(value, list) else value


def _secret(told: Mapping[str, Any]) -> str:
    if not told.keys() <= {*WAYS, "prefix"} or all(way in told for way in WAYS):
        raise ValueError(f"a secret is told by one of {' and '.join(WAYS)}, and prefix; not by {', '.join(told)}")
    if "from_file" in told:
        secret = Path(str(told["from_file"])).read_text(encoding="utf-8").strip()
        place = f"file {told['from_file']}"
    else:
        secret, place = os.environ.get(str(told["from_env"]), ""), f"environment variable {told['from_env']}"
    if not secret:
        raise LookupError(f"{place} holds no secret")
    return f"{told.get('prefix', '')}{secret}"
