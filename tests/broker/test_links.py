"""The Link header of a @context, as it is written and what it costs to read (RFC 8288)."""

import pytest

from broker import links
from ngsi.errors import BadRequestData

PARAMETERS = '; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example/c.jsonld?a=1&b=%2F#x", "https://a.example/c.jsonld?a=1&b=%2F#x"),
        ("https://a.example/日本.jsonld", "https://a.example/%E6%97%A5%E6%9C%AC.jsonld"),
        ('https://a.example/?a=>;rel="x" y', "https://a.example/?a=%3E;rel=%22x%22%20y"),
    ],
)
def test_a_link_is_a_uri(url: str, target: str) -> None:
    assert links.written(url) == f"<{target}>{PARAMETERS}"
    assert links.read([links.written(url)]) == target


# each would take hours if a part of it were looked at again for every other part
@pytest.mark.parametrize("part", ["http://a;", "rel= ", "<", "rel='alternate ", "<http://a ;rel="])
def test_a_long_header_is_read_once(part: str) -> None:
    assert links.read([part * 200_000]) is None
    with pytest.raises(BadRequestData):
        links.read([part * 200_000 + "; title=www.w3.org/ns/json-ld#context"])
