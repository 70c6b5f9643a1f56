"""Web pages of other origins: read what the setting allows, nothing without it (the Fetch standard)."""

import httpx
import pytest

from tests.broker.running import inside

PAGE = "https://dashboard.example"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "link"}


async def ask(dsn: str, origins: str, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    async with inside(dsn, cors_origins=origins) as http:
        return await http.request(method, "http://127.0.0.1:1026" + path, headers=headers)


@pytest.mark.parametrize(
    ("origins", "told"),
    [("", None), (PAGE, PAGE), (f"https://other.example, {PAGE}/", PAGE), ("*", "*"), ("https://other.example", None)],
)
async def test_the_setting_says_whose_pages_read(dsn: str, origins: str, told: str | None) -> None:
    answer = await ask(dsn, origins, "GET", "/ngsi-ld/v1/entities/urn:x:none", {"Origin": PAGE})
    assert answer.status_code == 404  # errors are readable too
    assert answer.headers.get("access-control-allow-origin") == told
    exposed = answer.headers.get("access-control-expose-headers", "")
    assert ("NGSILD-Results-Count" in exposed and "Link" in exposed) == (told is not None)
    assert (answer.headers.get("vary") == "Origin") == (origins not in ("", "*"))


async def test_a_preflight_is_answered(dsn: str) -> None:
    answer = await ask(dsn, PAGE, "OPTIONS", "/ngsi-ld/v1/entities/urn:x:1/attrs", PREFLIGHT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert {"Link", "NGSILD-Tenant", "Content-Type"} <= set(answer.headers["access-control-allow-headers"].split(", "))


async def test_requests_of_no_page_carry_nothing_of_it(dsn: str) -> None:
    answer = await ask(dsn, PAGE, "GET", "/version", {})
    assert not [name for name in answer.headers if name.startswith("access-control")]
