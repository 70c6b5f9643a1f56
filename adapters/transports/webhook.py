"""HTTP push: one small server, one path per source, `POST /push/{source}`.

The sender hears 204 only after the broker's commit, 202 when all of it went to quarantine or when our disk has it
because the broker is away, and 503 with Retry-After when neither is true in time; what it then sends again changes
nothing twice.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from adapters.contract import Message, Outcome, SourceSettings
from adapters.transports.proof import Proof, basic

STATUS = {Outcome.COMMITTED: 204, Outcome.PARTIAL: 204, Outcome.REFUSED: 202, Outcome.SPOOLED: 202}
RETRY = {"Retry-After": "30"}


class WebhookSettings(SourceSettings):
    """A sender shows who it is by `token` (`Authorization: Bearer`, or plain in `token_header`), by `basic`
    (`user:password`) or by `signature`: the HMAC-SHA256 of the body under that secret, in `signature_header`, hex or
    base64. `token_env` names the environment variable with the token.

    `validator` is what a GET is answered with: controllers such as Meraki's ask for it before they push.
    """

    transport: Literal["webhook"] = "webhook"
    path: str = Field(default="", pattern=r"^([^/]+(/[^/]+)*)?$")
    token_env: str = ""
    token: str = ""
    token_header: str = ""
    basic: str = ""
    signature: str = ""
    signature_header: str = "X-Signature"
    patience: float = Field(default=10.0, gt=0)
    max_bytes: int = Field(default=1024 * 1024, gt=0)
    spool: bool = True
    validator: str = ""


class Mailbox(NamedTuple):
    """Where the pushes of one source wait."""

    queue: asyncio.Queue[Message]
    proof: Proof
    patience: float
    max_bytes: int
    validator: str = ""


class WebhookServer:
    """The app of the server that all pushed sources share."""

    def __init__(self) -> None:
        self._boxes: dict[str, Mailbox] = {}
        self.wanted = False  # whether any source is declared to be pushed
        self.app = Starlette(
            routes=[
                Route("/push/{path:path}", self._push, methods=["POST"]),
                Route("/push/{path:path}", self._validate),
            ]
        )

    async def receive(self, settings: WebhookSettings, source: str) -> AsyncIterator[Message]:
        """Messages pushed to this source's path."""
        path = settings.path or source
        proof = proof_of(settings, source)
        box = Mailbox(asyncio.Queue(maxsize=100), proof, settings.patience, settings.max_bytes, settings.validator)
        self._boxes[path] = box
        try:
            while True:
                yield await box.queue.get()
        finally:
            if self._boxes.get(path) is box:  # else who listens here now began before we ended
                del self._boxes[path]

    async def _validate(self, request: Request) -> Response:
        box = self._boxes.get(request.path_params["path"])
        if box is None or not box.validator:
            raise HTTPException(404, "no source listens here")
        return PlainTextResponse(box.validator)

    async def _push(self, request: Request) -> Response:
        box = self._boxes.get(request.path_params["path"])
        if box is None:
            raise HTTPException(404, "no source listens here")
        if not box.proof.shown(request.headers):
            raise HTTPException(401, "wrong token")
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        body = await _body(request, box.max_bytes)
        if not box.proof.signed(request.headers, body):
            raise HTTPException(401, "wrong signature")
        message = _message(body, request.path_params["path"], settled)
        try:
            async with asyncio.timeout(box.patience):
                await box.queue.put(message)
                return Response(status_code=STATUS[await settled])
        except TimeoutError:
            return Response("the broker is away; send it again", 503, headers=RETRY)


def proof_of(settings: WebhookSettings, source: str) -> Proof:
    """What a sender must show. Raises LookupError when the environment variable of the token holds none."""
    token = os.environ.get(settings.token_env, "") if settings.token_env else settings.token
    if settings.token_env and not token:
        raise LookupError(f"{source}: environment variable {settings.token_env} holds no token")
    headers: dict[str, str] = {}
    if token:
        headers |= {settings.token_header: token} if settings.token_header else {"authorization": f"Bearer {token}"}
    if settings.basic:
        headers["authorization"] = basic(settings.basic)
    return Proof(headers, settings.signature, settings.signature_header)


async def _body(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise HTTPException(413, f"more than {max_bytes} bytes")
    return bytes(body)


def _message(body: bytes, topic: str, settled: asyncio.Future[Outcome]) -> Message:
    async def settle(outcome: Outcome) -> None:
        if not settled.done():
            settled.set_result(outcome)

    return Message(body, datetime.now(UTC), topic, settle=settle)
