"""Answers to requests that name no operation, where the standard asks for another status than 405."""

from starlette.requests import Request
from starlette.responses import Response

from ngsi.errors import BadRequestData


async def without_id(request: Request) -> Response:
    """PUT or PATCH of /entities/ with the id left empty."""
    raise BadRequestData(f"id: {request.method} needs the id of an entity in its path")
