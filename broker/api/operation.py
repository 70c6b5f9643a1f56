"""What is known of one operation: a row of the table that routes, validates and describes it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from broker.api.negotiation import JSON_ONLY

_ENTITY: Final = "/ngsi-ld/v1/entities/"

Function = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row.

    `query` names the query parameters (rows of `parameters`); `body` names the schema of the body, None when the
    operation takes none; `offers` are the media types of its answer in order of preference (it is negotiated when
    there are several, or when `asks`); `answers` maps each success status to the schema of its content or None;
    `errors` are the statuses of ProblemDetails; `choices` are the values of `options` and `format` here.
    A `hidden` row answers, but is neither described nor told in Allow.
    """

    method: str
    path: str
    function: Function
    query: frozenset[str] = frozenset()
    body: str | None = None
    offers: tuple[str, ...] = JSON_ONLY
    answers: Mapping[int, str | None] = field(default_factory=lambda: {204: None})
    errors: tuple[int, ...] = (400,)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: bool = False

    @property
    def asks(self) -> bool:
        """Whether the Accept header chooses the media type of the answer: where the standard's API has content."""
        return 200 in self.answers and self.path.startswith("/ngsi-ld/")

    @property
    def versioned(self) -> bool:
        """Whether it is about one entity's version: ETag, If-Match, If-None-Match (ours)."""
        return self.path.startswith(_ENTITY) or (self.method == "POST" and f"{self.path}/" == _ENTITY)

    @property
    def name(self) -> str:
        """The operation's id, unique in the table."""
        return f"{self.function.__module__.rpartition('.')[2]}_{self.function.__name__}"

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or self.function.__name__).strip().splitlines()[0]
