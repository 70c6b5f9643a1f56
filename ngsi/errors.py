"""Errors of the standard (GS CIM 009, 5.5.2 and 6.3.2).

NgsiLdError
  +-- InvalidRequest          400  not JSON, empty body, unknown query parameter
  +-- BadRequestData          400  the content breaks a rule
  +-- AlreadyExists           409
  +-- Conflict                409
  +-- ResourceNotFound        404
  +-- NonexistentTenant       404
  +-- OperationNotSupported   422
  +-- PreconditionFailed      412  If-Match, If-None-Match (ours: the standard leaves concurrency to HTTP)
  +-- TooComplexQuery         403
  +-- TooManyResults          403
  +-- LdContextNotAvailable   504
  +-- ServiceUnavailable      503  the database is away (ours: the standard leaves 503 to HTTP)
  +-- InternalError           500

HTTP's own refusals (405, 406, 411, 413, 415) carry no NGSI-LD type and live in `broker.problems`.
"""

from typing import Any, ClassVar

_BASE = "https://uri.etsi.org/ngsi-ld/errors/"


class NgsiLdError(Exception):
    """An error that knows its ETSI type. `detail` names the field, the value and the rule."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    @classmethod
    def type_uri(cls) -> str:
        return _BASE + cls.__name__

    def problem(self) -> dict[str, Any]:
        """The ProblemDetails of RFC 7807 with the ETSI type."""
        return {"type": self.type_uri(), "title": self.title, "detail": self.detail, "status": self.status}


class InvalidRequest(NgsiLdError):
    status = 400
    title = "The request is syntactically or semantically wrong"


class BadRequestData(NgsiLdError):
    status = 400
    title = "The request includes input data which does not meet the requirements of the operation"


class AlreadyExists(NgsiLdError):
    status = 409
    title = "The referred element already exists"


class Conflict(NgsiLdError):
    status = 409
    title = "The operation conflicts with the current state"


class ResourceNotFound(NgsiLdError):
    status = 404
    title = "The referred resource has not been found"


class NonexistentTenant(NgsiLdError):
    status = 404
    title = "The tenant does not exist"


class OperationNotSupported(NgsiLdError):
    status = 422
    title = "The operation is not supported"


class PreconditionFailed(NgsiLdError):
    status = 412
    title = "The entity is not in the version that the request expects"

    @classmethod
    def type_uri(cls) -> str:
        return "about:blank"


class TooComplexQuery(NgsiLdError):
    status = 403
    title = "The query is too complex"


class TooManyResults(NgsiLdError):
    status = 403
    title = "The query would give too many results"


class LdContextNotAvailable(NgsiLdError):
    status = 504
    title = "A remote JSON-LD @context could not be retrieved"


class ServiceUnavailable(NgsiLdError):
    status = 503
    title = "The service is temporarily unavailable"

    @classmethod
    def type_uri(cls) -> str:
        return "about:blank"


class InternalError(NgsiLdError):
    status = 500
    title = "Internal error"


def shown(value: object, limit: int = 80) -> str:
    """`value` for an error message: one line, bounded, so that hostile input cannot flood a log."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
