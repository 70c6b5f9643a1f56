"""Secrets of sources: from files and the environment, never in the file of sources and never in a message."""

import hmac
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from adapters.secrets import revealed
from adapters.transports.proof import Proof, basic


def test_a_secret_is_read_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("open sesame\n")
    monkeypatch.setenv("CITY_TOKEN", "s3")
    told = {
        "token": {"from_file": str(tmp_path / "token")},
        "headers": {"Authorization": {"from_env": "CITY_TOKEN", "prefix": "Bearer "}},
        "urls": ["plain", 1],
    }
    assert revealed(told) == {
        "token": "open sesame",
        "headers": {"Authorization": "Bearer s3"},
        "urls": ["plain", 1],
    }


@pytest.mark.parametrize(
    ("told", "error", "match"),
    [
        ({"from_env": "NO_SUCH_SECRET"}, LookupError, "NO_SUCH_SECRET holds no secret"),
        ({"from_file": "/no/such/file"}, OSError, "/no/such/file"),
        ({"from_file": "a", "from_env": "b"}, ValueError, "one of"),
        ({"from_env": "a", "else": "b"}, ValueError, "one of"),
    ],
)
def test_a_secret_that_is_not_there_is_a_mistake(told: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        revealed({"token": told})


def test_proofs() -> None:
    body = b'{"a":1}'
    digest = hmac.new(b"key", body, sha256).digest()
    signed = Proof({}, "key", "X-Signature")
    for shown in (digest.hex(), digest.hex().upper(), f"sha256={digest.hex()}", b64encode(digest).decode()):
        assert signed.signed(httpx.Headers({"x-signature": shown}), body)
    for shown in ("", "sha256=", digest.hex()[:-1], hmac.new(b"other", body, sha256).hexdigest()):
        assert not signed.signed(httpx.Headers({"x-signature": shown}), body)
    assert not signed.signed(httpx.Headers(), body)
    assert Proof({"authorization": basic("u:p")}).shown(httpx.Headers({"Authorization": "Basic dTpw"}))
    assert not Proof({"X-Token": "t"}).shown(httpx.Headers({"Authorization": "t"}))
    assert Proof({}).shown(httpx.Headers())
