"""A live stream in a real browser: it goes on by itself, without a gap, when the broker was killed and started again.

No browser comes with the project: BROWSER_PROGRAM or the search path may name a Chromium.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.broker.running import Running
from tests.broker.sink import Sink, until

V1: Final = "/ngsi-ld/v1"
_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER: Final = os.environ.get("BROWSER_PROGRAM") or next(filter(None, map(shutil.which, _NAMES)), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium; BROWSER_PROGRAM may name one")

_PAGE: Final = """<script>
const tell = words => fetch("{sink}", {{method: "POST", mode: "no-cors", body: JSON.stringify(words)}});
const stream = new EventSource("{broker}/stream?type=Room&format=simplified");
stream.onopen = () => tell("open");
stream.addEventListener("created", event => tell("sse " + JSON.parse(event.data).a));
let last = null;
function connect() {{
  const after = last === null ? "" : "&lastEventId=" + last;
  const socket = new WebSocket("{broker}/stream?type=Room&format=simplified".replace("http", "ws") + after);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => tell("open");
  socket.onmessage = message => {{
    const told = JSON.parse(new TextDecoder().decode(message.data));
    last = told.id;
    if (told.event === "created") tell("ws " + told.entity.a);
  }};
  socket.onclose = () => setTimeout(connect, 300);
}}
connect();
</script>"""


@contextmanager
def browser(page: Path) -> Iterator[None]:
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", page.as_uri()]
    process = subprocess.Popen(
        [*command[:1], f"--user-data-dir={page.parent / 'profile'}", *command[1:]], stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def create(broker: Running, *numbers: int) -> None:
    async with httpx.AsyncClient(base_url=broker.url + V1) as client:
        for number in numbers:
            body = {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "a": number}
            assert (await client.post("/entities", json=body)).status_code == 201


async def test_a_page_sees_every_change_though_the_broker_is_killed(dsn: str, tmp_path: Path) -> None:
    async with Sink() as sink, Running(dsn, cors_origins="*") as broker:
        page = tmp_path / "page.html"
        page.write_text(_PAGE.format(sink=sink.url, broker=broker.url + V1))
        with browser(page):
            await until(lambda: heard(sink).count("open") >= 2, 30)
            await asyncio.sleep(0.5)  # both are open on the page's side; the broker's comes a moment later
            await create(broker, 1, 2)
            await until(lambda: len(heard(sink)) >= 6, 30)
            await broker.kill()
            await broker.start()
            await create(broker, 3, 4)
            await until(lambda: {"sse 4", "ws 4"} <= set(heard(sink)), 60)
        for way in ("sse", "ws"):
            assert [words for words in heard(sink) if words.startswith(way)] == [f"{way} {n}" for n in (1, 2, 3, 4)]


def heard(sink: Sink) -> list[str]:
    return [item.body for item in sink.requests if item.raw]
